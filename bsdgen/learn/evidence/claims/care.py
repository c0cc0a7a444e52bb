"""When outputs are cared for: small tables over inputs and other outputs, where only some rows care."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import RowContext
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates

I64 = NDArray[np.int64]


def cares_of(
    context: RowContext, known: dict[int, int], templates: Templates, sets: list[tuple[int, ...]]
) -> dict[int, int]:
    """Definitions of when outputs are cared for, where only some rows do and a small table says which.

    A cell that no row met is cared for: nothing is given away that was not seen.

    Parameters
    ----------
    sets : features that said so in other contexts, which come first; added to.
    """
    found: dict[int, int] = {}
    planes: dict[bytes, int | None] = {}
    for output in np.flatnonzero((context.cared > 0) & (context.cared < context.n)).tolist():
        key = context.c[output].tobytes()
        if key not in planes:
            target = context.add_target(context.c[output], context.valid)
            planes[key] = None
            features, counts = _care_table(context, target, templates, sets)
            if features and all(f >= 0 or -1 - f in known for f in features):
                if features not in sets:
                    sets.append(features)
                table = [int(ones > 0 or not zeros) for zeros, ones in counts.tolist()]
                made = [known[-1 - f] if f < 0 else f for f in features]
                planes[key] = context.definitions.make(made, table)
            context.drop_target()
        definition = planes[key]
        if definition is not None:
            found[output] = definition
    return found


def _care_table(
    context: RowContext, target: int, templates: Templates, sets: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, ...], I64]:
    """Features that tell a target, and the counts by cell; none if none are found."""
    covering = set(context.covering(target))
    for features in sets:
        if all(f >= 0 or -1 - f in covering or not context.y[-1 - f].any() for f in features):
            counts, wrong = context.tabulate(target, features)
            if not wrong:
                return features, counts
    explainer = Explainer(context, templates, learn=False)
    explainer.quick([target])
    if target not in context.explanations:
        explainer.greedy(target, ())
    explanation = context.explanations.get(target)
    if explanation is None:
        return (), np.zeros((0, 2), np.int64)
    return explanation.features, np.array(explanation.counts, np.int64)
