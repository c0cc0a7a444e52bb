"""What a context is split on.

First whatever switches outputs off; then the feature whose halves explain most: roughly by correlations
(`gains`), then by what becomes exactly explained in the halves (`Look`). Variables are chosen
by gain as in ID3 (Quinlan, Machine Learning 1, 1986), but for all outputs at once, each with the feature that
explains it best.
"""

from collections.abc import Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import RowContext
from bsdgen.learn.evidence.rows import bits_of
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.kernels import evidence as kernel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
_OFF_ROWS = 30  # rows that must show that a value switches everything off
_GAIN_ROWS = 16384
_LOOK_ROWS = 8192
_HALF_ROWS = 64  # rows that a half must have to be looked into
_CHANCE_BITS = 7.0  # that a split must not be chance by, beyond choosing among all inputs
_BIAS = 10.0  # energy that the best of some hundred features has by chance


def switch(context: RowContext, outputs: Sequence[int]) -> tuple[int, int, int] | None:
    """An input and its value with which every output is constant, uncared or a feature; and its rows.

    The one with most rows is taken; None if there is none.
    """
    ones = np.bitwise_count(context.x[context.live]).sum(axis=1).astype(np.int64)
    candidates = []
    for variable, n in zip(context.live, ones.tolist(), strict=True):
        candidates += [(-n, variable, 1), (n - context.n, variable, 0)]
    wanted = np.array(outputs, np.int64)
    features = context.x[context.live]
    for n, variable, value in sorted(candidates):
        if -n < _OFF_ROWS:
            return None
        rows = context.x[variable] if value else context.valid & ~context.x[variable]
        if kernel.switched_off(context.y, context.c, wanted, rows, features):
            return variable, value, -n
    return None


def guards(context: RowContext) -> list[int]:
    """What a context may be split on beside inputs: definitions of explained outputs.

    Not the outputs themselves: these say, where they are not cared for, that they are not.
    """
    memo: dict[int, int] = {}
    found: dict[int, None] = {}
    for output, explanation in context.explanations.items():
        if explanation.is_constant or explanation.is_literal or not context.cared[output]:
            continue
        definition = context.resolve(output, memo)
        if (
            definition is not None
            and definition >= context.store.n_inputs
            and kernel.values_seen(context.column(definition), context.valid) == 3
        ):
            found[definition] = None
    return list(found)


def gains(context: RowContext, outputs: Sequence[int], candidates: Sequence[int]) -> F64:
    """What splitting on each candidate brings: outputs' worth, summed, a share of the rows each."""
    typical = context.rows[context.store.typical[context.rows]][:_GAIN_ROWS]
    rows = typical if typical.shape[0] >= 400 else context.rows[:_GAIN_ROWS]
    small = RowContext(context.store, context.definitions, rows, context.explanations)
    x = small.columns(candidates)
    f = small.x[context.live]
    out = np.zeros(len(candidates), np.float64)
    kernel.split_gains(x, f, small.y[list(outputs)], small.c[list(outputs)], _BIAS, out)
    out /= rows.shape[0]
    return out


class Look:
    """Looks into the parts that splits would make: how many more outputs are explained there, by rows' share.

    All on a sample of the rows.
    """

    def __init__(self, context: RowContext, outputs: Sequence[int], templates: Templates) -> None:
        self.context, self.outputs, self.templates = context, outputs, templates
        rows = context.rows[:_LOOK_ROWS]
        self._whole = RowContext(context.store, context.definitions, rows, context.explanations)
        Explainer(self._whole, templates, learn=False).quick(outputs)
        self._still = [o for o in outputs if o not in self._whole.explanations and self._whole.cared[o]]

    def halves(self, candidates: Sequence[int]) -> F64:
        """By candidate; those behind one that explains most outputs are not looked at."""
        scores = np.zeros(len(candidates))
        for at, candidate in enumerate(candidates):
            scores[at] = sum(self._credit(half) for half in self._parts(self._whole.rows, candidate))
            if scores[at] > 0.5 * len(self.outputs):
                break
        return scores

    def quarters(self, candidates: Sequence[int], n: int) -> F64:
        """By candidate, with each of its halves split on the best of the n inputs of most gain there."""
        scores = np.zeros(len(candidates))
        for at, candidate in enumerate(candidates):
            for half in self._parts(self._whole.rows, candidate):
                scores[at] += self._best_split(half, n)
        return scores

    def _best_split(self, half: I32, n: int) -> float:
        if half.shape[0] < 2 * _HALF_ROWS:
            return 0.0
        context = self.context
        inside = RowContext(context.store, context.definitions, half, context.explanations)
        gain = gains(inside, self._still, inside.live)
        best = [inside.live[i] for i in np.argsort(-gain, kind="stable")[:n].tolist()]
        return max(
            (sum(self._credit(part) for part in self._parts(half, candidate)) for candidate in best),
            default=0.0,
        )

    def _parts(self, rows: I32, candidate: int) -> tuple[I32, I32]:
        known = bits_of(self._whole.column(candidate), self._whole.n)
        high = known[np.searchsorted(self._whole.rows, rows)]
        return rows[~high], rows[high]

    def _credit(self, chosen: I32) -> float:
        """Outputs explained on the chosen rows as they are not on all, by their share."""
        if chosen.shape[0] < _HALF_ROWS:
            return 0.0
        context = self.context
        small = RowContext(context.store, context.definitions, chosen, context.explanations)
        Explainer(small, self.templates, learn=False).quick(self._still)
        share = chosen.shape[0] / self._whole.n
        # Few rows that contradict on the whole may be elsewhere by chance, with some of all candidates.
        least = (log2(len(context.live)) + _CHANCE_BITS) / -log2(max(1e-9, 1.0 - share))
        done = 0
        for o in self._still:
            found = small.explanations.get(o)
            if not small.cared[o]:
                done += int(self._whole.cared[o]) > least
            elif found is not None:
                done += self._whole.tabulate(o, found.features, 1 << 30)[1] > least
        return float(share * done)


def next_gains(context: RowContext, outputs: Sequence[int], candidates: Sequence[int]) -> F64:
    """The best gain in the halves of each candidate, summed: two steps ahead; -inf for a small half."""
    typical = context.rows[context.store.typical[context.rows]][:_LOOK_ROWS]
    rows = typical if typical.shape[0] >= min(1500, context.n // 8) else context.rows[:_LOOK_ROWS]
    whole = RowContext(context.store, context.definitions, rows, context.explanations)
    scores = np.full(len(candidates), -np.inf)
    for at, candidate in enumerate(candidates):
        high = bits_of(whole.column(candidate), whole.n)
        if min(high.sum(), (~high).sum()) < _HALF_ROWS:
            continue
        scores[at] = 0.0
        for half in (rows[~high], rows[high]):
            small = RowContext(context.store, context.definitions, half, context.explanations)
            live = small.x[context.live]
            out = np.zeros(len(context.live), np.float64)
            kernel.split_gains(live, live, small.y[list(outputs)], small.c[list(outputs)], _BIAS, out)
            out /= rows.shape[0]
            if candidate in context.live:
                out[context.live.index(candidate)] = -np.inf
            scores[at] += float(out.max())
    return scores
