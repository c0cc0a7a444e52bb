"""The table of functions: equal signatures up to complement are one function."""

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.functions import FunctionTable

ONES = ~np.uint64(0)
CUBE = np.zeros(1, np.uint64)


def some_planes(n: int) -> U64:
    return np.random.default_rng(n).integers(0, 1 << 64, (n, 2), np.uint64)


def test_constants_and_variables_are_known() -> None:
    planes = some_planes(3)
    table = FunctionTable(planes)
    assert [table.find(np.full(2, word)) for word in (np.uint64(0), ONES)] == [0, 1]
    assert [table.find(p) for p in planes] == [2, 4, 6]
    assert [table.find(~p) for p in planes] == [3, 5, 7]
    assert len(table) == 4


def test_complements_are_one_function() -> None:
    *variables, word = some_planes(4)
    table = FunctionTable(np.array(variables))
    assert table.find(word) is None
    literal, is_new = table.intern(0, CUBE, CUBE, word)
    assert is_new and literal >> 1 == 4
    assert table.intern(1, CUBE, CUBE, ~word) == (literal ^ 1, False)
    assert table.find(word) == literal and table.find(~word) == literal ^ 1
    assert table.at(4).merges == 1 and table.at(4).output == 0


def test_without_merging_only_constants_and_variables_are_shared() -> None:
    *variables, word = some_planes(4)
    table = FunctionTable(np.array(variables), merging=False)
    first, second = (table.intern(0, CUBE, CUBE, word) for _ in range(2))
    assert first[1] and second[1] and first[0] >> 1 != second[0] >> 1
    assert table.intern(0, CUBE, CUBE, ~variables[1]) == (5, False)
    assert table.intern(0, CUBE, CUBE, np.full(2, ONES)) == (1, False)


def test_what_is_forgotten_is_unknown() -> None:
    *variables, kept, dropped = some_planes(5)
    table = FunctionTable(np.array(variables))
    literal, _ = table.intern(0, CUBE, CUBE, kept)
    size = len(table)
    table.intern(0, CUBE, CUBE, dropped)
    table.intern(0, CUBE, CUBE, kept, merge=False)
    table.forget(size)
    assert len(table) == size
    assert table.find(dropped) is None and table.find(kept) == literal
    again, is_new = table.intern(0, CUBE, CUBE, ~dropped)
    assert is_new and again >> 1 == size
