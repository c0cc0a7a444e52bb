"""The control tree: cubes inside which the outputs are simple.

A context is a cube and the outputs that are of interest there. It is split on the variable that lowers the
square-root influence of all outputs on all variables most (a control bit changes *which* variables matter),
if the two halves do not mostly consist of the same functions (a data bit, such as a shift amount, does that).
Where no variable qualifies, a set of variables through which everything acts as one bit is split off
(`bsdgen.learn.bound`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.functions import free_variables, set_bit
from bsdgen.learn.kernels import influence as kernel
from bsdgen.learn.kernels import rows as row_kernel
from bsdgen.learn.queries import Queries

I64 = NDArray[np.int64]
_TRIES = 6  # candidates whose halves are compared, best gain first
_CLOSE = 0.6  # candidates with at least this share of the best gain are compared by what they leave tangled
_LEAST_SEEN = 8  # rows on which a variable must matter to an output to count
_ENABLE_ROWS = 256  # rows on which variables are tried for switching everything off
_GROWTH = 1.3  # a control bit's halves have at least this many times the functions of the whole


@dataclass(frozen=True, eq=False)
class Context:
    """A cube: mask and value (w,), and the outputs of interest (bit numbers)."""

    mask: U64
    value: U64
    outputs: I64

    def with_literal(self, variable: int, bit: int) -> "Context":
        """The half in which `variable` is `bit`."""
        value = set_bit(self.value, variable) if bit else self.value
        return Context(set_bit(self.mask, variable), value, self.outputs)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Boolean differences of a context's outputs on some rows.

    variables (v,) free ones on which some output was seen to depend; planes (o, v, b) by output of the
    context; row_planes (v, b) values of those variables; differences (v, k, w_out) the same packed by row;
    base (o, b) values of the outputs. Values that are not cared for count like others: they are what costs
    least to say, so a bit that matters to them only is rarely a control bit, and a bit that decides whether
    they are cared for need not be one.
    """

    variables: I64
    planes: U64
    row_planes: U64
    differences: U64
    base: U64


def measure(queries: Queries, rows: U64, context: Context) -> Sensitivity:
    """Flip each free variable on each row, for all outputs at once."""
    variables = free_variables(context.mask, queries.n_inputs)
    different = queries.all_differences(rows, context.mask, context.value, variables)
    seen = _of_interest(queries, different, context).any(axis=(1, 2))
    variables = variables[seen]
    different = different[seen]
    planes = np.empty((context.outputs.shape[0], variables.shape[0], rows.shape[0] // 64), np.uint64)
    row_kernel.difference_planes(different, context.outputs, planes)
    row_planes = queries.planes(rows, queries.n_inputs)[variables]
    base, _ = _outputs(queries, rows, context)
    return Sensitivity(variables, planes, row_planes, _of_interest(queries, different, context), base)


def _of_interest(queries: Queries, different: U64, context: Context) -> U64:
    wanted = np.zeros(queries.w_out, np.uint64)
    for output in context.outputs:
        wanted[output >> 6] |= np.uint64(1) << np.uint64(output & 63)
    return different & wanted


def control_variable(
    queries: Queries, rows: U64, context: Context, sensitivity: Sensitivity, least_gain: float
) -> tuple[int, float, bool] | None:
    """The variable to split on, its gain, and whether one half is trivial; or None.

    The gain is the share of the summed square-root influence that vanishes on average in the halves.
    """
    if sensitivity.variables.shape[0] < 2 or context.outputs.shape[0] < 2:
        return None
    gains = _gains(sensitivity)
    enables = _enables(queries, rows[:_ENABLE_ROWS], context, sensitivity.variables)
    trivial = {int(kernel.hash_signature(plane)) for plane in queries.planes(rows, queries.n_inputs)} | {0}
    for at in np.argsort(-gains, kind="stable"):
        if (
            enables[at]
            and _compare_halves(queries, rows, context, int(sensitivity.variables[at]), trivial)[1]
        ):
            return int(sensitivity.variables[at]), float(gains[at]), True
    best: tuple[float, int, float] | None = None
    for at in np.argsort(-gains, kind="stable")[:_TRIES]:
        if gains[at] < least_gain or (best is not None and gains[at] < _CLOSE * best[2]):
            break
        variable = int(sensitivity.variables[at])
        if _compare_halves(queries, rows, context, variable, trivial)[0]:
            entry = (_tangle(sensitivity, int(at)), variable, float(gains[at]))
            best = entry if best is None else min(best, (entry[0], entry[1], max(best[2], entry[2])))
    return None if best is None else (best[1], best[2], False)


def _enables(queries: Queries, rows: U64, context: Context, variables: I64) -> NDArray[np.bool_]:
    """Variables with a value that makes every output of the context constant, as far as `rows` tell."""
    n, k = variables.shape[0], rows.shape[0]
    mask = np.repeat(np.array([set_bit(context.mask, int(v)) for v in variables]), 2, axis=0)
    value = np.repeat(context.value[None], 2 * n, axis=0)
    bit = np.uint64(1) << (variables & 63).astype(np.uint64)
    value[np.arange(n) * 2 + 1, variables >> 6] |= bit
    forced = np.empty((2 * n * k, queries.w_in), np.uint64)
    row_kernel.force(rows, mask, value, forced)
    outputs, care = queries.ask(forced)
    outputs, care = outputs.reshape(2 * n, k, -1), care.reshape(2 * n, k, -1)
    moving = np.bitwise_or.reduce((outputs ^ outputs[:, :1]) & care & care[:, :1], axis=1)
    quiet = ~_of_interest(queries, moving, context).any(axis=1)
    return np.asarray(quiet.reshape(n, 2).any(axis=1))


def largest_gain(sensitivity: Sensitivity) -> int | None:
    """The variable with the largest gain, whatever its halves look like."""
    if not sensitivity.variables.shape[0]:
        return None
    return int(sensitivity.variables[int(np.argmax(_gains(sensitivity)))])


def _gains(sensitivity: Sensitivity) -> NDArray[np.float64]:
    """Share of the summed square-root influence that vanishes by splitting on each variable."""
    counts = np.empty(sensitivity.planes.shape[:2], np.int64)
    kernel.influences(sensitivity.planes, counts)
    n_rows = sensitivity.base.shape[1] * 64
    total = float(np.sqrt(np.where(counts >= _LEAST_SEEN, counts, 0) / n_rows).sum())
    if total == 0.0:
        return np.zeros(sensitivity.variables.shape[0], np.float64)
    costs = np.empty(sensitivity.variables.shape[0], np.float64)
    kernel.split_costs(sensitivity.planes, sensitivity.row_planes, _LEAST_SEEN, costs)
    return 1.0 - costs / total


def _tangle(sensitivity: Sensitivity, at: int) -> float:
    """How tangled the two halves of a split still are.

    The sum over variables of the logarithm of how many times more functions there would be after expanding a
    half on that variable: expanding a sorted-out circuit on its own data bits costs little, a mixture
    multiplies.
    """
    total = 0.0
    n_vars = sensitivity.variables.shape[0]
    for flip in (np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)):
        mask = sensitivity.row_planes[at] ^ flip
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
        if not bits.any():
            continue
        lead = int(np.argmax(bits))
        base = sensitivity.base
        known = np.array(
            sorted({int(kernel.hash_masked(p, mask, lead)) for p in sensitivity.row_planes}), np.uint64
        )
        now = {int(kernel.hash_masked(p, mask, lead)) for p in base} - {int(h) for h in known} - {0}
        costs = np.empty(n_vars, np.int64)
        kernel.expansion_costs(base, sensitivity.planes, sensitivity.row_planes, known, mask, lead, costs)
        costs[at] = -1
        total += float(np.log2(np.maximum(costs[costs >= 0], 1) / max(len(now), 1)).clip(0).sum())
    return total


def _compare_halves(
    queries: Queries, rows: U64, context: Context, variable: int, trivial: set[int]
) -> tuple[bool, bool]:
    """Whether splitting gives about twice the functions, and whether one half has none.

    A data bit (of an adder, a shift amount, a mask) leads to functions that mostly exist in the other half
    too, are constant, or are variables; a control bit selects between two circuits that have little in
    common, or between a circuit and nothing.
    """
    whole, whole_care = _outputs(queries, rows, context)
    halves = [_outputs(queries, rows, context.with_literal(variable, bit)) for bit in (0, 1)]
    (low, low_care), (high, high_care) = halves
    changed = ((low ^ high) & low_care & high_care).any(axis=1)
    before = _hashes(whole[changed & whole_care.any(axis=1)]) - trivial
    after: set[int] = set()
    nothing = False
    for values, care in halves:
        cared = care.any(axis=1)
        after |= _hashes(values[changed & cared]) - trivial
        nothing = nothing or not _hashes(values[cared]) - {0}
    return len(after) >= _GROWTH * len(before) and len(before) > 1, nothing


def _hashes(planes: U64) -> set[int]:
    return {int(kernel.hash_signature(plane)) for plane in planes}


def _outputs(queries: Queries, rows: U64, context: Context) -> tuple[U64, U64]:
    values, care = queries.all_outputs(rows, context.mask, context.value)
    return values[context.outputs], care[context.outputs]
