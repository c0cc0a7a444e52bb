"""Cells that no row of a context met, filled from tables that agree with what it shows.

A cell that one context never saw another has seen: first the same output over the same features elsewhere,
then any table that is the same up to the order of features and complements of them and of the output (NPN
equivalence, as circuits are classified): one template for all bits of a chain. A cell is filled only if every
such table that agrees with all cells that were seen says the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import Explanation
from bsdgen.learn.evidence.definitions import Table

I64 = NDArray[np.int64]
_SIZES = (3, 4, 5)  # features of tables that are compared up to order and complements
_REFERENCES = 24  # distinct whole tables of a size, best supported first
_SEEN = 0.6  # share of the cells that must have been seen

Explanations = dict[int, Explanation]


def completed(contexts: Sequence[Explanations], fixed: Sequence[Mapping[int, int]]) -> list[Explanations]:
    """Explanations with cells filled as far as other tables tell.

    Parameters
    ----------
    contexts : explanations by output, of every context.
    fixed : inputs that are constant there, and their values: such features are dropped.
    """
    inside = [
        {o: ordered(e.restricted(values)) for o, e in table.items()}
        for table, values in zip(contexts, fixed, strict=True)
    ]
    inside = _joined(inside)
    references = _references(e for table in inside for e in table.values())
    return [{o: _by_template(e, references) for o, e in table.items()} for table in inside]


def ordered(explanation: Explanation) -> Explanation:
    """The explanation with its features in ascending order."""
    features = explanation.features
    order = sorted(range(len(features)), key=features.__getitem__)
    if order == list(range(len(features))):
        return explanation
    cells = np.arange(len(explanation.counts))
    moved = np.zeros_like(cells)
    for place, at in enumerate(order):
        moved |= (cells >> place & 1) << at
    counts = np.array(explanation.counts, np.int64)[moved]
    return Explanation.of([features[at] for at in order], counts, explanation.own)


def _joined(contexts: Sequence[Explanations]) -> list[Explanations]:
    """Cells of the same output over the same features, from contexts that do not contradict each other."""
    groups: dict[tuple[int, tuple[int, ...]], list[tuple[Table, int]]] = {}
    for explanations in contexts:
        for output, explanation in explanations.items():
            if len(explanation.features) > 1:
                groups.setdefault((output, explanation.features), []).append(
                    (explanation.table(), explanation.n_rows)
                )
    wholes: dict[tuple[int, tuple[int, ...]], list[Table]] = {}
    for key, tables in groups.items():
        classes: list[Table] = []
        for table, _ in sorted(tables, key=lambda item: -item[1]):
            for at, whole in enumerate(classes):
                if not ((table >= 0) & (whole >= 0) & (table != whole)).any():
                    classes[at] = np.where(whole >= 0, whole, table).astype(np.int8)
                    break
            else:
                classes.append(table)
        wholes[key] = classes
    return [
        {o: _inferred(e, wholes.get((o, e.features), [])) for o, e in explanations.items()}
        for explanations in contexts
    ]


def _inferred(explanation: Explanation, tables: Iterable[Table]) -> Explanation:
    """Fill unseen cells from tables that agree with those seen, where they agree with each other."""
    own = explanation.table()
    if (own >= 0).all():
        return explanation
    said = np.full(own.shape, -1, np.int8)
    doubtful = np.zeros(own.shape, np.bool_)
    for table in tables:
        if ((own >= 0) & (table >= 0) & (own != table)).any():
            continue
        doubtful |= (said >= 0) & (table >= 0) & (said != table)
        said = np.where(said >= 0, said, table).astype(np.int8)
    new = np.flatnonzero((own < 0) & (said >= 0) & ~doubtful)
    more = tuple((int(cell), int(said[cell])) for cell in new)
    return replace(explanation, inferred=explanation.inferred + more) if more else explanation


def _references(explanations: Iterable[Explanation]) -> dict[int, list[Table]]:
    """By number of features, whole tables, one of each class, those with most rows first."""
    support: dict[bytes, int] = {}
    for explanation in explanations:
        k = len(explanation.features)
        if k in _SIZES:
            table = explanation.table()
            if (table >= 0).all():
                support[table.tobytes()] = support.get(table.tobytes(), 0) + explanation.n_rows
    found: dict[int, list[Table]] = {}
    known: set[bytes] = set()
    for key in sorted(support, key=lambda t: (-support[t], t)):
        table = np.frombuffer(key, np.int8)
        of_size = found.setdefault(table.shape[0].bit_length() - 1, [])
        if key in known or len(of_size) == _REFERENCES:
            continue
        of_size.append(table)
        known |= {row.tobytes() for row in _variants(table)}
    return found


@cache
def _moves(k: int) -> I64:
    """Cells of a table under every order and complement of its features: (k! 2**k, 2**k)."""
    cells = np.arange(1 << k)
    rows = []
    for order in permutations(range(k)):
        moved = np.zeros_like(cells)
        for at, place in enumerate(order):
            moved |= (cells >> at & 1) << place
        rows += [moved ^ flip for flip in range(1 << k)]
    return np.array(rows, np.int64)


def _variants(table: Table) -> NDArray[np.int8]:
    """The table under all orders and complements, of the output too: (2 k! 2**k, 2**k)."""
    moved = table[_moves(table.shape[0].bit_length() - 1)]
    return np.concatenate([moved, 1 - moved]).astype(np.int8)


def _by_template(explanation: Explanation, references: Mapping[int, Sequence[Table]]) -> Explanation:
    """Fill unseen cells from whole tables of the same size that agree up to order and complements."""
    k = len(explanation.features)
    if k not in _SIZES:
        return explanation
    own = explanation.table()
    seen = own >= 0
    if seen.all() or seen.mean() < _SEEN:
        return explanation
    for reference in references.get(k, []):
        variants = _variants(reference)
        agreeing = variants[(variants[:, seen] == own[seen]).all(axis=1)]
        if agreeing.shape[0]:
            return _inferred(explanation, agreeing)
    return explanation
