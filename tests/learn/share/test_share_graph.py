"""Graphs: every rule keeps the function, and exclusive ors make words as small as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import add, bits_of, less, planes, random_bsd, truth, word
from small_oracles import every_row

from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Evaluator, Graph, variables

N = 6
GRAPHS = [Graph, ExclusiveGraph]
seeds = st.integers(0, 1 << 32)
few = settings(deadline=None, max_examples=30)


@few
@given(seeds, st.sampled_from(GRAPHS), st.integers(1, 60))
def test_a_graph_is_its_diagram(seed: int, kind: type[Graph], n_nodes: int) -> None:
    """Also tests the evaluator against that of diagrams."""
    bsd = random_bsd(seed, N, n_nodes)
    graph, literals = kind.of(bsd)
    roots = literals[1 + N :]
    made = bits_of(bsd.evaluate(every_row(N)), n_nodes)
    assert (made == bits_of(truth(graph, roots), 1 << N).T).all()
    new, there = graph.to_bsd(roots)
    assert (bits_of(new.evaluate(every_row(N)), n_nodes) == made).all()
    for at, root in enumerate(roots):
        assert new.roots[at] == there[root >> 1] ^ (root & 1)


@few
@given(seeds, st.sampled_from(GRAPHS))
def test_any_ite(seed: int, kind: type[Graph]) -> None:
    rng = np.random.default_rng(seed)
    graph, literals = kind.of(random_bsd(seed, N, 20))
    for _ in range(40):
        g, h, lo = (literals[i] ^ int(rng.integers(2)) for i in rng.integers(0, len(literals), 3))
        literal = graph.ite(g, h, lo)
        on, high, low, said = truth(graph, [g, h, lo, literal])
        assert (said == (on & high | ~on & low)).all()
        literals.append(literal)


@few
@given(seeds)
def test_exclusive_or(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, literals = ExclusiveGraph.of(random_bsd(seed, N, 20))
    for _ in range(40):
        x, y = (literals[i] ^ int(rng.integers(2)) for i in rng.integers(0, len(literals), 2))
        literals.append(graph.xor(x, y))
        one, other, said = truth(graph, [x, y, literals[-1]])
        assert (said == one ^ other).all()


@few
@given(seeds, st.sampled_from(GRAPHS), st.integers(0, 1), st.integers(0, N + 30))
def test_cofactors(seed: int, kind: type[Graph], bit: int, guard: int) -> None:
    """Of a variable: the function there. Of a node: the function wherever the node is that."""
    graph, literals = kind.of(random_bsd(seed, N, 31))
    by = literals[1 + guard] ^ (seed & 1)
    if by < 2:
        return
    for _ in range(2):  # the second time it is known
        made = graph.cofactors(literals, by, bit)
        here = truth(graph, [by])[0] ^ (np.uint64(0) if bit else ~np.uint64(0))
        differ = truth(graph, literals) ^ truth(graph, made)
        assert not (differ & here).any()
        if by >> 1 < graph.first:
            assert not any(graph.support(literal) >> (by >> 1) - 1 & 1 for literal in made)


@few
@given(seeds, st.sampled_from(GRAPHS))
def test_substitution(seed: int, kind: type[Graph]) -> None:
    graph, literals = kind.of(random_bsd(seed, N, 30))
    other, there = kind.of(random_bsd(seed + 1, N, 12))
    inputs = {v: there[-1 - v] ^ (v & 1) for v in range(N - 1)}  # the last stays itself
    made = graph.compose(literals, inputs, other)
    rows = planes(N).copy()
    rows[: N - 1] = truth(other, [inputs[v] for v in range(N - 1)])
    at = sum(bits_of(rows, 1 << N)[v].astype(np.int64) << v for v in range(N))
    assert (bits_of(truth(other, made), 1 << N) == bits_of(truth(graph, literals), 1 << N)[:, at]).all()


def test_asking_leaves_no_trace() -> None:
    graph, literals = ExclusiveGraph.of(random_bsd(3, N, 30))
    before = list(graph.nodes), list(graph.supports), dict(graph._unique)
    rng = np.random.default_rng(3)
    answers = set()
    for _ in range(200):
        g, h, lo = (literals[i] for i in rng.integers(0, len(literals), 3))
        answers.add(graph.is_known(g, h, lo))
        assert (graph.nodes, graph.supports, graph._unique) == before
    assert answers == {False, True}
    assert graph.is_known(*graph.nodes[-1])


def test_sizes_of_words() -> None:
    """An adder has a guard, a sum and a carry a bit, a comparison a guard and a choice."""
    a, b = word(0, 8), word(8, 8)
    sizes = {}
    for kind in GRAPHS:
        graph = kind(16)
        sum_, compared = add(graph, a, b), less(graph, a, b)
        sizes[kind] = len(graph.cone(sum_)), len(graph.cone([compared]))
    assert sizes[ExclusiveGraph] <= (3 * 8 - 2, 2 * 8)
    assert sizes[Graph] >= (5 * 8 - 8, 3 * 8 - 2)


@pytest.mark.parametrize("n", [3, 20, 1200])
def test_exclusive_ors_of_many(n: int) -> None:
    """One node an operand, in any order, however deep."""
    graph = ExclusiveGraph(n)
    out = 0
    for x in np.random.default_rng(n).permutation(word(0, n)).tolist():
        out = graph.ite(x, out ^ 1, out)
    assert len(graph.cone([out])) == n - 1
    ones = np.random.default_rng(n).integers(0, 1 << 64, (n, 1), np.uint64)
    assert Evaluator(graph, [out])(ones)[0, 0] == np.bitwise_xor.reduce(ones[:, 0])


def test_a_choice_between_long_exclusive_ors() -> None:
    """What both have in common is taken out, however much it is."""
    n = 1500
    graph = ExclusiveGraph(n)
    x, y = 2, 4
    for literal in word(3, n - 3):
        x, y = graph.ite(literal, x ^ 1, x), graph.ite(literal, y ^ 1, y)
    before = len(graph.nodes)
    assert graph.support(graph.ite(6, x, y)) == (1 << n) - 1
    assert len(graph.nodes) - before <= n


def test_variables_of_a_bit_set() -> None:
    assert variables(0) == [] and variables(1 << 70 | 5) == [0, 2, 70]


@few
@given(seeds)
def test_rules_of_exclusive_ors(seed: int) -> None:
    """Children that the rules are about: the same few functions on both sides, in any polarity."""
    rng = np.random.default_rng(seed)
    graph, literals = ExclusiveGraph.of(random_bsd(seed, N, 12))

    def any_of(pool: list[int]) -> int:
        return pool[rng.integers(len(pool))] ^ int(rng.integers(2))

    for _ in range(40):
        x, y, p, q = (any_of(literals) for _ in range(4))
        made = graph.xor if rng.random() < 0.4 else None
        sides = [
            graph.ite(y, any_of([p, q, 0]), any_of([p, q])) if made is None else made(any_of([p, q, y]), y)
            for _ in range(2)
        ]
        high, low = (side ^ int(rng.integers(2)) for side in sides)
        literal = graph.ite(x, high, low)
        on, h, lo, said = truth(graph, [x, high, low, literal])
        assert (said == (on & h | ~on & lo)).all()
