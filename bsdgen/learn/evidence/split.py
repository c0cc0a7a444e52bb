"""What a context is split on.

First whatever switches outputs off; then the feature whose halves explain most: roughly by correlations
(`gains`), then by what becomes exactly explained in the halves (`explained_in_halves`). Variables are chosen
by gain as in ID3 (Quinlan, Machine Learning 1, 1986), but for all outputs at once, each with the feature that
explains it best.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import RowContext, output_feature
from bsdgen.learn.evidence.explain import Explainer
from bsdgen.learn.evidence.rows import bits_of
from bsdgen.learn.evidence.templates import Templates
from bsdgen.learn.kernels import evidence as kernel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
_OFF_ROWS = 30  # rows that must show that a value switches everything off
_GAIN_ROWS = 16384
_LOOK_ROWS = 8192
_HALF_ROWS = 64  # rows that a half must have to be looked into
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


def guards(context: RowContext) -> dict[int, int]:
    """What a context may be split on beside inputs: explained outputs, by feature their definition."""
    memo: dict[int, int] = {}
    found = {}
    for output, explanation in context.explanations.items():
        if explanation.is_constant or explanation.is_literal or not context.cared[output]:
            continue
        definition = context.resolve(output, memo)
        if (
            definition is not None
            and definition >= context.store.n_inputs
            and kernel.values_seen(context.column(definition), context.valid) == 3
        ):
            found[output_feature(output)] = definition
    return found


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


def explained_in_halves(
    context: RowContext, outputs: Sequence[int], candidates: Sequence[int], templates: Templates
) -> F64:
    """How many more outputs are explained in each candidate's halves, by rows' share, than without it.

    All on a sample of the rows; candidates behind one that explains most outputs are not looked at.
    """
    rows = context.rows[:_LOOK_ROWS]
    whole = RowContext(context.store, context.definitions, rows, context.explanations)
    Explainer(whole, templates, learn=False).quick(outputs)
    still = [o for o in outputs if o not in whole.explanations and whole.cared[o]]

    def credit(chosen: I32) -> float:
        """Outputs explained on the chosen rows as they are not on all, by their share."""
        if chosen.shape[0] < _HALF_ROWS:
            return 0.0
        small = RowContext(context.store, context.definitions, chosen, context.explanations)
        Explainer(small, templates, learn=False).quick(still)
        done = 0
        for o in still:
            found = small.explanations.get(o)
            # What holds on all rows is luck of the search, not the split's merit.
            done += not small.cared[o] or (found is not None and whole.tabulate(o, found.features)[1] > 0)
        return float(chosen.shape[0] / rows.shape[0] * done)

    scores = np.zeros(len(candidates))
    for at, candidate in enumerate(candidates):
        high = bits_of(context.column(candidate), context.n)[: rows.shape[0]]
        scores[at] = credit(rows[~high]) + credit(rows[high])
        if scores[at] > 0.5 * len(outputs):
            break
    return scores


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
