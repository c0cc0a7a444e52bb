"""The builder: reduced, hash-consed and canonical, held to truth tables."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.bsd import Builder

ORDER = (0, 1, 2)
ROWS = np.arange(8, dtype=np.uint64)[:, None]


def shannon(builder: Builder, table: int, n: int) -> int:
    """Literal of a truth table (bit r is the value on row r), expanded from the highest variable down."""
    if n == 0:
        return table & 1
    half = 1 << (n - 1)
    low, high = table & (1 << half) - 1, table >> half
    return builder.ite(builder.variable(n - 1), shannon(builder, high, n - 1), shannon(builder, low, n - 1))


def as_tables(builder: Builder, literals: list[int], n: int) -> list[int]:
    """Truth tables of literals, read off the built diagram."""
    bsd, _ = builder.build(literals)
    rows = np.arange(1 << n, dtype=np.uint64)[:, None]
    values = bsd.evaluate(rows)
    column = [(values[:, o // 64] >> np.uint64(o % 64)) & np.uint64(1) for o in range(len(literals))]
    return [sum(int(v) << r for r, v in enumerate(c)) for c in column]


def test_ite_on_all_functions_of_two_variables() -> None:
    """All 4,096 triples: the right function, and no node where a literal exists."""
    builder = Builder(2)
    by_table = {table: shannon(builder, table, 2) for table in range(16)}
    triples = list(itertools.product(range(16), repeat=3))
    made = [builder.ite(by_table[g], by_table[h], by_table[lo]) for g, h, lo in triples]
    wanted = [(g & h) | (~g & 15 & lo) for g, h, lo in triples]
    assert as_tables(builder, made, 2) == wanted
    for (g, h, lo), literal in zip(triples, made, strict=True):
        if h == lo:
            assert literal == by_table[h]
        if (h, lo) == (15, 0):
            assert literal == by_table[g]
        if (h, lo) == (0, 15):
            assert literal == by_table[g] ^ 1
        if g in (0, 15):
            assert literal == (by_table[h] if g else by_table[lo])


def test_equal_functions_are_one_literal() -> None:
    """All functions of three variables: 256 literals in pairs of complements."""
    builder = Builder(3)
    literals = [shannon(builder, table, 3) for table in range(256)]
    assert as_tables(builder, literals, 3) == list(range(256))
    assert len(set(literals)) == 256
    assert all(literals[table] ^ 1 == literals[255 ^ table] for table in range(256))
    again = [shannon(builder, table, 3) for table in range(256)]
    assert again == literals


def test_every_node_is_canonical() -> None:
    builder = Builder(3)
    bsd, _ = builder.build([shannon(builder, table, 3) for table in range(256)])
    nodes = list(zip(bsd.guard.tolist(), bsd.high.tolist(), bsd.low.tolist(), strict=True))
    assert len(set(nodes)) == len(nodes)
    for guard, high, low in nodes:
        assert not guard & 1 and not high & 1
        assert high != low and guard >> 1 not in (high >> 1, low >> 1)
        assert (high, low) not in [(1, 0), (0, 1)]


@pytest.mark.parametrize("flip", range(8))
def test_complements_share_a_node(flip: int) -> None:
    builder = Builder(3)
    g, h, lo = (builder.variable(v) for v in ORDER)
    plain = builder.ite(g, h, lo)
    other = builder.ite(g ^ (flip & 1), h ^ (flip >> 1 & 1), lo ^ (flip >> 2 & 1))
    if flip in (0, 6):
        assert other == plain ^ (flip == 6)
    bsd, _ = builder.build([other])
    assert bsd.n_nodes == 1 and not bsd.guard[0] & 1 and not bsd.high[0] & 1


def test_build_drops_what_is_not_reached() -> None:
    builder = Builder(4)
    a, b, c, d = (builder.variable(v) for v in range(4))
    dead = builder.ite(a, b, c)
    inner = builder.ite(c, d, 0)
    root = builder.ite(inner, a, b)
    builder.ite(dead, root, inner)
    bsd, index = builder.build([root ^ 1, d])
    assert bsd.n_nodes == 2
    assert index[inner >> 1] == 5 and index[root >> 1] == 6 and dead >> 1 not in index
    assert [index[i] for i in range(5)] == list(range(5))
    assert bsd.roots.tolist() == [13, d]
    assert list(bsd.nodes()) == [(5, 2 * 3, 0, 2 * 4), (6, 2 * 5, 2 * 2, 2 * 1)]


def test_build_of_constants_and_nothing() -> None:
    bsd, _ = Builder(0).build([0, 1])
    assert (bsd.n_inputs, bsd.n_nodes, bsd.n_outputs) == (0, 0, 2)
    assert bsd.evaluate(np.zeros((3, 0), np.uint64)).ravel().tolist() == [2, 2, 2]
    assert Builder(3).build([])[0].n_outputs == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 1 << 20)] * 3), min_size=1, max_size=30))
def test_guards_that_are_functions(recipe: list[tuple[int, int, int]]) -> None:
    """Any chain of ite on earlier literals, guards included, is what the truth tables say."""
    builder = Builder(3)
    literals = [0, 1] + [builder.variable(v) ^ c for v in range(3) for c in (0, 1)]
    tables = [0, 255] + [t ^ c for t in (0xAA, 0xCC, 0xF0) for c in (0, 255)]
    for picks in recipe:
        g, h, lo = (p % len(literals) for p in picks)
        literals.append(builder.ite(literals[g], literals[h], literals[lo]))
        tables.append((tables[g] & tables[h]) | (~tables[g] & 255 & tables[lo]))
    assert as_tables(builder, literals, 3) == tables
