"""Cells that no row met: filled from tables that agree, left open where these disagree."""

import numpy as np

from bsdgen.learn.evidence.claims.cells import completed, ordered
from bsdgen.learn.evidence.context import Explanation


def seen(
    features: tuple[int, ...], table: list[int], missing: tuple[int, ...] = (), n: int = 50
) -> Explanation:
    counts = np.array([[0, n] if value else [n, 0] for value in table], np.int64)
    counts[list(missing)] = 0
    return Explanation.of(features, counts)


def full_adder(x: int, y: int, z: int) -> int:
    return int(x + y + z >= 2)


MAJORITY = [full_adder(i & 1, i >> 1 & 1, i >> 2 & 1) for i in range(8)]


def test_same_features_elsewhere() -> None:
    a, b = seen((0, 1, 2), MAJORITY, (3,)), seen((0, 1, 2), MAJORITY, (4,))
    found = completed([{0: a}, {0: b}], [{}, {}])
    assert [table[0].table().tolist() for table in found] == [MAJORITY, MAJORITY]


def test_template_with_complements_and_another_order() -> None:
    inverted = [1 - MAJORITY[(i & 1) << 2 | (i >> 1 & 1) << 1 | (1 - (i >> 2 & 1))] for i in range(8)]
    found = completed([{0: seen((0, 1, 2), MAJORITY)}, {5: seen((7, 8, 9), inverted, (6,))}], [{}, {}])
    assert found[1][5].table().tolist() == inverted


def test_nothing_is_filled_where_tables_disagree() -> None:
    odd = [0, 1, 1, 0, 1, 0, 0, 1]
    other = seen((3, 4, 5), odd, (7,))
    assert completed([{0: seen((0, 1, 2), MAJORITY)}, {1: other}], [{}, {}])[1][1].table()[7] == -1
    both = completed([{0: seen((0, 1), [0, 0, 0, 1])}, {0: seen((0, 1), [0, 1, 1, 1], (1, 2))}], [{}, {}])
    assert both[1][0].table().tolist() == [0, 0, 0, 1]  # the one table that agrees with what it saw
    third = [
        {0: seen((0, 1), [0, 0, 0, 1])},
        {0: seen((0, 1), [0, 1, 1, 1])},
        {0: seen((0, 1), [0] * 4, (1, 2, 3))},
    ]
    assert completed(third, [{}] * 3)[2][0].table().tolist() == [0, -1, -1, 1]


def test_fixed_features_are_dropped() -> None:
    found = seen((0, 1, 2), MAJORITY).restricted({1: 1})
    assert found.features == (0, 2) and found.table().tolist() == [0, 1, 1, 1]


def test_ordered_keeps_the_function() -> None:
    table = [0, 1, 1, 1, 0, 0, 1, 0]
    found = ordered(seen((5, 2, 9), table))
    assert found.features == (2, 5, 9)
    moved = [table[(i >> 1 & 1) | (i & 1) << 1 | (i >> 2 & 1) << 2] for i in range(8)]
    assert found.table().tolist() == moved
