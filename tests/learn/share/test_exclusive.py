"""Exclusive ors as guards: one node for one function."""

from itertools import product

import numpy as np
from small_graphs import truth, word

from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Graph

A, B, C = word(0, 3)


def test_equal_and_opposite_operands_stand_for_each_other() -> None:
    for flip, guard_flip in product((0, 1), repeat=2):
        plain, graph = Graph(6), ExclusiveGraph(6)
        guard = graph.xor(A, B) ^ guard_flip
        same, opposite = (0, 1) if guard_flip else (1, 0)  # which side of the guard has which
        other = plain.ite(A, B ^ 1, B) ^ guard_flip
        for side, inverted in ((same, 0), (opposite, 1)):
            # high on side 0, low on side 1
            sides = [[x, C] if side == 0 else [C, x] for x in (A ^ flip, B ^ flip ^ inverted)]
            made = [graph.ite(guard, *of) for of in sides]
            assert made[0] == made[1]
            assert np.array_equal(truth(graph, made[:1]), truth(plain, [plain.ite(other, *sides[0])]))


def test_a_comparison_has_one_operand_of_each_bit_as_a_child() -> None:
    width = 8
    graph = ExclusiveGraph(2 * width)
    less = 0
    for i, (a, b) in enumerate(zip(word(0, width), word(width, width), strict=True)):
        if i % 2 == 0:
            less = graph.ite(a, graph.ite(b, less, 0), graph.ite(b, 1, less))
        else:
            less = graph.ite(graph.xor(a, b), b, less)
    bsd, _ = graph.to_bsd([less])
    children = set((np.concatenate([bsd.low, bsd.high]) >> 1).tolist())
    assert bsd.n_nodes == 2 * width - 1
    assert len(children & set(range(1, 1 + 2 * width))) == width
