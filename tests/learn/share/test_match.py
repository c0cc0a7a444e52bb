"""Substitutions are found where there are some, and only there."""

from collections.abc import Sequence

import numpy as np
import pytest
from small_graphs import Word, add, less, shifted, word

from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Evaluator, Graph
from bsdgen.learn.share.match import Match, Matcher

W = 8


def holds(graph: Graph, pairs: Sequence[tuple[int, int]], match: Match) -> None:
    """On rows that the matcher has not seen: exact, for functions of adders and shifts."""
    planes = np.random.default_rng(77).integers(0, 1 << 64, (graph.n_inputs, 256), np.uint64)
    replaced = planes.copy()
    for v, literal in match.literals.items():
        replaced[v] = Evaluator(graph, [literal])(planes)[0]
    for (f, g), inverted in zip(pairs, match.inverted, strict=True):
        if inverted >= 0:
            said = Evaluator(graph, [f])(replaced)[0] ^ Evaluator(graph, [g ^ inverted])(planes)[0]
            assert not said.any()


def matched(graph: Graph, ours: Word, theirs: Word, drops: int = 0) -> Match | None:
    pairs = list(zip(ours, theirs, strict=True))
    match = Matcher(graph).match(pairs, drops)
    if match is not None:
        holds(graph, pairs, match)
        assert sum(i < 0 for i in match.inverted) <= drops
    return match


@pytest.mark.parametrize("kind", [Graph, ExclusiveGraph])
def test_adders_of_other_words(kind: type[Graph]) -> None:
    graph = kind(4 * W)
    a, b, c, d = (word(at * W, W) for at in range(4))
    match = matched(graph, add(graph, a, b), add(graph, c, d))
    assert match is not None and set(match.inverted) == {0}
    for i in range(W):
        assert {match.literals[i], match.literals[W + i]} == {c[i], d[i]}


def test_permuted_and_inverted_variables() -> None:
    graph = ExclusiveGraph(4 * W)
    rng = np.random.default_rng(4)
    a, b = word(0, W), word(W, W)
    other = (rng.permutation(word(2 * W, 2 * W)) ^ rng.integers(0, 2, 2 * W)).tolist()
    assert matched(graph, add(graph, a, b), add(graph, other[:W], other[W:])) is not None


def test_an_operand_keeps_its_polarity_whatever_the_other_is() -> None:
    """Of a sum's last bit nothing tells (a, b) from (not a, not b): a variable that stays is not inverted."""
    graph = ExclusiveGraph(3 * W)
    a, b = word(0, W), word(W, W)
    for seed in range(4):
        flips = np.random.default_rng(seed).integers(0, 2, W)
        other = [x ^ int(flip) for x, flip in zip(word(2 * W, W), flips, strict=True)]
        match = matched(graph, add(graph, a, b), add(graph, a, other))
        assert match is not None and set(match.inverted) == {0}
        for i in range(W):
            assert {match.literals[i], match.literals[W + i]} == {a[i], other[i]}


def test_only_the_same_output_is_rather_not_a_complement() -> None:
    """Exclusive ors match in four ways, two of them complements."""
    graph = ExclusiveGraph(4)
    f, g = graph.ite(2, 5, 4), graph.ite(6, 8, 9)
    same = Matcher(graph).match([(f, g)], 0, same=[True])
    other = Matcher(graph).match([(f, g)], 0, same=[False])
    assert same is not None and same.inverted == (0,)
    assert other is not None
    holds(graph, [(f, g)], other)


def test_a_subtraction_is_an_addition() -> None:
    """One operand and the carry are inverted."""
    graph = ExclusiveGraph(2 * W + 1)
    a, b = word(0, W), word(W, W)
    carry = 2 * (2 * W + 1)
    minus = add(graph, a, [x ^ 1 for x in b], 1)
    match = matched(graph, add(graph, a, b, carry), minus)
    assert match is not None and match.literals[2 * W] == 1
    # without a carry in, a - b is still the complement of (not a) + b
    match = matched(graph, add(graph, a, b), minus)
    assert match is not None and set(match.inverted) <= {0, 1}


def test_repeated_variables_and_constants() -> None:
    graph = ExclusiveGraph(3 * W)
    a, b, c = (word(at * W, W) for at in range(3))
    sum_ = add(graph, a, b)
    short = c[:3] + [c[2]] * (W - 3)  # sign-extended
    match = matched(graph, sum_, add(graph, a, short))
    assert match is not None and len(set(match.literals.values())) == W + 3
    constant = [0, 0, 1, 1, 0, 1, 0, 0]
    match = matched(graph, sum_, add(graph, c, constant))
    assert match is not None and {0, 1} & set(match.literals.values())


def test_shifts_in_both_directions() -> None:
    graph = ExclusiveGraph(2 * W + 6)
    a, b, by, too = word(0, W), word(W, W), word(2 * W, 3), word(2 * W + 3, 3)
    left, right = shifted(graph, a, by), shifted(graph, b[::-1], too)[::-1]
    match = matched(graph, left, right[::-1])
    assert match is not None
    assert [match.literals[v] for v in range(W)] == b[::-1]
    assert [match.literals[v] for v in range(2 * W, 2 * W + 3)] == too
    assert matched(graph, left, right) is None  # not in the same order


def test_other_functions_do_not_match() -> None:
    graph = ExclusiveGraph(4 * W)
    a, b, c, d = (word(at * W, W) for at in range(4))
    sum_ = add(graph, a, b)
    conjunctions = [graph.ite(x, y, 0) for x, y in zip(c, d, strict=True)]
    assert matched(graph, sum_, conjunctions) is None
    assert matched(graph, conjunctions, sum_) is None
    assert matched(graph, shifted(graph, a, b[:3]), add(graph, c, d)) is None
    assert matched(graph, [less(graph, a[:i], b[:i]) for i in range(2, W)], add(graph, c, d)[2:]) is None


def test_pairs_that_may_be_left_out() -> None:
    graph = ExclusiveGraph(4 * W)
    a, b, c, d = (word(at * W, W) for at in range(4))
    ours, theirs = add(graph, a, b), add(graph, c, d)
    theirs[W - 1] = graph.ite(c[0], theirs[W - 1], d[3])
    assert matched(graph, ours, theirs) is None
    match = matched(graph, ours, theirs, 1)
    assert match is not None and match.inverted == (0,) * (W - 1) + (-1,)
    theirs[0] = graph.ite(c[7], d[7], 0)  # the first ones must match
    assert matched(graph, ours, theirs, 2) is None


def test_what_is_known_is_preferred() -> None:
    """An adder does not tell its operands apart."""
    graph = ExclusiveGraph(4 * W)
    a, b, c, d = (word(at * W, W) for at in range(4))
    pairs = list(zip(add(graph, a, b), add(graph, c, d), strict=True))
    for first, second in ((c, d), (d, c)):
        known = {(v, literal) for v, literal in enumerate(first + second)}
        match = Matcher(graph).match(pairs, 0, known)
        assert match is not None and [match.literals[v] for v in range(2 * W)] == first + second


def test_a_variable_stays_itself() -> None:
    graph = ExclusiveGraph(3 * W)
    a, b, c = (word(at * W, W) for at in range(3))
    match = matched(graph, add(graph, a, b), add(graph, c, b))
    assert match is not None and [match.literals[W + i] for i in range(W)] == b


def test_the_same_every_time() -> None:
    """Whatever was asked before."""
    graph = ExclusiveGraph(4 * W)
    a, b, c, d = (word(at * W, W) for at in range(4))
    pairs = list(zip(add(graph, a, b), add(graph, c, d), strict=True))
    others = list(zip(add(graph, a, b), add(graph, d, b), strict=True))
    matcher = Matcher(graph)
    first = matcher.match(pairs, 1)
    matcher.match(others, 1)
    matcher.match(others, 1, {(0, d[0])})
    assert matcher.match(pairs, 1) == first == Matcher(graph).match(pairs, 1)
