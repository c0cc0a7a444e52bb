"""What a table is worth: its length beside what it saves, and what tables have in common."""

from collections.abc import Mapping, Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions

I64 = NDArray[np.int64]
_SLACK_BITS = 8.0  # that an explanation must save beyond its own cost
WIDE = 3
"""Features from which an explanation has a shape."""


def worth(context: RowContext, output: int, counts: I64, n_features: int, n_pool: int) -> bool:
    """Whether the explanation is shorter than the values it explains."""
    zeros, ones = (int(n) for n in counts.sum(axis=0))
    n = zeros + ones
    if not zeros or not ones:
        return n > 0
    entropy = -(zeros * log2(zeros / n) + ones * log2(ones / n))
    cells = int((counts.sum(axis=1) > 0).sum())
    return entropy > 2 * cells + n_features * log2(max(2, n_pool)) + _SLACK_BITS


def essential(explanation: Explanation) -> list[int]:
    """Features that the table depends on, as far as its cells were met."""
    table, cells = explanation.table(), np.arange(len(explanation.counts))
    found = []
    for at, feature in enumerate(explanation.features):
        other = table[cells ^ (1 << at)]
        if ((table >= 0) & (other >= 0) & (table != other)).any():
            found.append(feature)
    return found


def description(definitions: Definitions, features: Sequence[int], n_pool: int) -> float:
    """Bits of a table over features, and of the definitions that it needs; n_pool to choose among.

    Of two that are as long the one over inputs is shorter: half a bit for every other output.
    """
    made = definitions.reached([f for f in features if f >= 0])
    cells = (1 << len(features)) + sum(len(definitions.tables[d - definitions.n_inputs]) for d in made)
    return cells + len(features) * log2(max(2, n_pool)) + 0.5 * sum(f < 0 for f in features)


def kind(explanation: Explanation, explanations: Mapping[int, Explanation]) -> tuple[int, ...]:
    """What explanations have in common that are alike: tables up to order and complements (NPN), and how many
    features are not of the output that they build on; () if cells are unseen."""
    table = explanation.table()
    if (table < 0).any():
        return ()
    cells = np.arange(table.size)
    influences = [int((table != table[cells ^ (1 << at)]).sum()) for at in range(len(explanation.features))]
    ones = int(table.sum())
    built = any(f < 0 and -1 - f in explanations for f in explanation.features)
    new = fresh(explanation, explanations) if built else -1
    return (new, min(ones, table.size - ones), *sorted(influences))


def fresh(explanation: Explanation, explanations: Mapping[int, Explanation]) -> int:
    """Features that the outputs that it is built on are not explained by: the step of a chain has few."""
    built = [-1 - f for f in explanation.features if f < 0 and -1 - f in explanations]
    known = {f for q in built for f in (-1 - q, *explanations[q].features)}
    return sum(f not in known for f in explanation.features)


def unseen(explanation: Explanation) -> int:
    """Cells that no row met."""
    return sum(a == b == 0 for a, b in explanation.counts)
