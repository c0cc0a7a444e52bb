"""Rows on which functions differ that are the same on nearly all rows."""

import numpy as np
from small_graphs import Word, word

from bsdgen.learn.control import ControlTree
from bsdgen.learn.share.graph import Evaluator, Graph
from bsdgen.learn.share.match import Matcher
from bsdgen.learn.share.rare import walked_planes

W = 40


def conjunction(graph: Graph, of: Word) -> int:
    out = 1
    for literal in of:
        out = graph.ite(literal, out, 0)
    return out


def leaf(literals: Word, words: int) -> ControlTree:
    """One context, in which outputs are these literals."""
    n = len(literals)
    zero, none = np.zeros(1, np.int32), np.full(1, -1, np.int32)
    cube = np.zeros((1, words), np.uint64)
    at = (
        np.zeros(n, np.int32),
        np.arange(n, dtype=np.int32),
        np.array(literals, np.int32),
        np.ones(n, np.bool_),
    )
    return ControlTree(zero, none, none, cube, cube, *at)


def two_conjunctions() -> tuple[Graph, int, int]:
    """One of all 40 bits of a word, one of another word but for its first bit."""
    graph = Graph(2 * W)
    inverted = [x ^ i % 2 for i, x in enumerate(word(0, W))]
    return graph, conjunction(graph, inverted), conjunction(graph, word(W, W)[1:])


def test_walks_reach_what_random_rows_do_not() -> None:
    graph, one, other = two_conjunctions()
    bsd, made = graph.to_bsd([one, other])
    tree = leaf([made[one >> 1], made[other >> 1]], 2)
    planes = walked_planes(bsd, tree)
    assert planes.tobytes() == walked_planes(bsd, tree).tobytes()
    uniform = np.random.default_rng(1).integers(0, 1 << 64, planes.shape, np.uint64)
    assert not Evaluator(graph, [one, other])(uniform).any()
    assert Evaluator(graph, [one, other])(planes).any(axis=1).all()


def test_nothing_to_walk_down() -> None:
    bsd, _ = Graph(70).to_bsd([2, 0])
    assert walked_planes(bsd, leaf([2, 0], 2)).shape == (70, 32)


def test_what_looks_alike_on_random_rows_does_not_match() -> None:
    graph, one, other = two_conjunctions()
    pairs = [*zip(word(0, W), word(W, W), strict=True), (one, other)]
    assert Matcher(graph).match(pairs, 0) is not None
    bsd, made = graph.to_bsd([one, other])
    rare = walked_planes(bsd, leaf([made[one >> 1], made[other >> 1]], 2))
    assert Matcher(graph, rare=rare).match(pairs, 0) is None
