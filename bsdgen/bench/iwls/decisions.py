"""Decision lists over pairs of inputs: what a carry or a comparison is, whatever the order of its inputs.

Each step looks at two inputs (or one twice); each of their four values says 0, says 1, or passes to the next
step (Rivest, *Learning decision lists*, 1987, with lists of pairs). A step is taken when what it decides
cannot be chance among all pairs there are. Where the last steps went on by a constant stride, so does the
list, for as long as no row speaks against it: there are too few rows left by then to find a pair anew.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls.rows import U8, Rows
from bsdgen.circuit.aig import Aig, AigBuilder

F32 = NDArray[np.float32]
PASS = -1
_CHANCE = 0.01  # that a step is taken by chance
_LEAST = 0.1  # part of the rows left that a step must decide: a chain's steps decide a quarter or half


@dataclass(frozen=True)
class Step:
    """Two inputs, and what each of their values says: `says[2 * first + second]` is 0, 1 or `PASS`."""

    first: int
    second: int
    says: tuple[int, int, int, int]


@dataclass(frozen=True)
class DecisionList:
    """Steps in order, and what is said when all pass."""

    steps: tuple[Step, ...]
    default: int

    def predict(self, inputs: U8) -> U8:
        """What the list says of rows."""
        out = np.full(len(inputs), self.default, np.uint8)
        for step in reversed(self.steps):
            said = np.array(step.says)[2 * inputs[:, step.first] + inputs[:, step.second]]
            out = np.where(said == PASS, out, said).astype(np.uint8)
        return out

    def literal(self, b: AigBuilder) -> int:
        """The list as a chain of multiplexers."""
        out = self.default
        for step in reversed(self.steps):
            x, y = 2 * (1 + step.first), 2 * (1 + step.second)
            low, high = (
                b.ite(y, *(out if says == PASS else says for says in (two[1], two[0])))
                for two in (step.says[:2], step.says[2:])
            )
            out = b.ite(x, high, low)
        return out

    def circuit(self, n_inputs: int) -> Aig:
        """The list as a graph."""
        builder = AigBuilder(n_inputs)
        return builder.build([self.literal(builder)])


def find_decision_list(rows: Rows, impure: float = 0.0, most_steps: int = 600) -> DecisionList:
    """Find a decision list greedily, the step that decides most rows first.

    Parameters
    ----------
    impure : part of the rows that a decided value may get wrong.
    """
    x = rows.inputs.astype(np.float32)
    y = rows.labels.astype(np.float32)
    alive = np.arange(len(rows))
    steps: list[Step] = []
    while len(alive) and len(steps) < most_steps:
        label = y[alive]
        if not 0 < label.sum() < len(label):
            break
        step = _going_on(steps, rows.take(alive), rows.n_inputs)
        if step is None:
            step = _best_step(x[alive], label, impure)
        if step is None:
            break
        steps.append(step)
        alive = alive[_passes(step, rows.inputs[alive])]
    default = int(y[alive].mean() > 0.5) if len(alive) else int(y.mean() > 0.5)
    if len(alive) == 0 or len(set(y[alive].tolist())) == 1:
        while len(steps) < most_steps:
            step = _going_on(steps, rows.take(alive), rows.n_inputs)
            if step is None:
                break
            steps.append(step)
            alive = alive[_passes(step, rows.inputs[alive])]
    return DecisionList(tuple(steps), default)


def _passes(step: Step, inputs: U8) -> NDArray[np.bool_]:
    passed: NDArray[np.bool_] = (
        np.array(step.says)[2 * inputs[:, step.first] + inputs[:, step.second]] == PASS
    )
    return passed


def _best_step(x: F32, y: F32, impure: float) -> Step | None:
    n, m = x.shape
    both = _f32(x.T @ x)
    both_ones = _f32((x * y[:, None]).T @ x)
    counts = _cells(both, _f32(x.T @ np.ones_like(y)), n)
    ones = _cells(both_ones, _f32(x.T @ y), float(y.sum()))
    decided = np.zeros((m, m), np.float32)
    says = np.full((4, m, m), PASS, np.int8)
    rate = float(y.mean())
    for cell in range(4):
        for value, wrong, chance in ((1, counts[cell] - ones[cell], rate), (0, ones[cell], 1 - rate)):
            least = np.log(4 * m * m / _CHANCE) / -np.log(max(chance, 1e-9))
            pure = (counts[cell] >= least) & (wrong <= impure * counts[cell])
            decided += np.where(pure, counts[cell], 0)
            says[cell][pure] = value
    best = int(decided.argmax())
    first, second = divmod(best, m)
    if decided[first, second] < _LEAST * n:
        return None
    a, b, c, d = says[:, first, second].tolist()
    return Step(first, second, (a, b, c, d))


def _f32(value: NDArray[Any]) -> F32:
    return value.astype(np.float32, copy=False)


def _cells(both: F32, single: F32, total: float) -> list[F32]:
    """Counts by the values 00, 01, 10, 11 of each pair; a pair of an input and itself has no 01 and 10."""
    only_first = single[:, None] - both
    only_second = single[None, :] - both
    return [(total - single[:, None]) - only_second, only_second, only_first, both]


def _going_on(steps: list[Step], left: Rows, n_inputs: int) -> Step | None:
    """The next step of the same stride as the last three, if no row that is left is against it."""
    if len(steps) < 3:
        return None
    a, b, c = steps[-3:]
    if not a.says == b.says == c.says:
        return None
    strides = {(v.first - u.first, v.second - u.second) for u, v in ((a, b), (b, c))}
    if len(strides) != 1 or strides == {(0, 0)}:
        return None
    by_first, by_second = strides.pop()
    first, second = c.first + by_first, c.second + by_second
    if not (0 <= first < n_inputs and 0 <= second < n_inputs):
        return None
    step = Step(first, second, c.says)
    said = np.array(step.says)[2 * left.inputs[:, first] + left.inputs[:, second]]
    return None if ((said != PASS) & (said != left.labels)).any() else step
