"""The matcher's compiled loops do what a graph evaluated plane by plane does."""

from itertools import product

import numpy as np
from small_graphs import add, word

from bsdgen.bits import U64
from bsdgen.learn.kernels import cones
from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Evaluator

W = 3
N = 2 * W + 1
WORDS = 5


def summed() -> tuple[Evaluator, U64, U64]:
    """The complement of a sum's highest bit, planes of its variables, and of all literals."""
    graph = ExclusiveGraph(N)
    f = add(graph, word(0, W), word(W, W))[-1] ^ 1
    planes = np.random.default_rng(1).integers(0, 1 << 64, (N, WORDS), np.uint64)
    even = np.concatenate([np.zeros((1, WORDS), np.uint64), planes])
    return Evaluator(graph, [f]), planes, np.stack([even, ~even], axis=1).reshape(-1, WORDS)


def test_flips() -> None:
    f, planes, _ = summed()
    counts = np.zeros((f.variables.shape[0], 2), np.int64)
    cones.flips(planes, 3, f.variables, f.table, int(f.outputs[0]), counts)
    few = np.ascontiguousarray(planes[:, :3])
    base = f(few)[0]
    for v, found in zip(f.variables, counts, strict=True):
        flipped = few.copy()
        flipped[v] = ~flipped[v]
        differs = base ^ f(flipped)[0]
        follows = differs & ~(base ^ few[v])
        assert found.tolist() == [np.bitwise_count(differs).sum(), np.bitwise_count(follows).sum()]


def test_cofactors_and_what_fits() -> None:
    f, planes, literals = summed()
    given, places = 2 * (f.variables + 1), np.array([4, 1])
    cofactors = cones.cofactors(literals, given, places, f.table, int(f.outputs[0]))
    for bits in range(8):
        fixed = planes.copy()
        for j, at in enumerate(places):
            fixed[f.variables[at]] = np.uint64(0xFFFFFFFFFFFFFFFF) if bits >> j & 1 else np.uint64(0)
        assert np.array_equal(cofactors[bits], f(fixed)[0])

    target = f(planes)[0]
    first, second = np.arange(2 * N + 2), np.arange(2 * N + 1, -1, -1)
    choices = np.array(list(product(second, first)))[:, ::-1]
    fits = cones.tested(
        literals, given, places, np.ascontiguousarray(choices), f.table, int(f.outputs[0]), target
    )
    for (x, y), fit in zip(choices.tolist(), fits.tolist(), strict=True):
        replaced = planes.copy()
        replaced[f.variables[places]] = literals[[x, y]]
        value = f(replaced)[0]
        assert fit == (0 if (value == target).all() else 1 if (value == ~target).all() else -1)
    found = np.zeros((500, 3), np.int64)
    n = cones.fitting(cofactors, literals, first, second, np.array([0]), target, found)
    assert n > 1 and np.array_equal(found[:n, :2], choices[fits >= 0])
    assert cones.fitting(cofactors, literals, first, second, np.array([0]), target, found[:1]) == 1
