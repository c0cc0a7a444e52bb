"""Better orders of what is learned, and splits that are taken back: the same functions, fewer nodes."""

import importlib

import numpy as np
import pytest

from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.graph import Evaluator, Graph
from bsdgen.learn.share.reorder import Sifter, _into, _order, _ordered, components, reordered
from bsdgen.learn.share.units import Contexts
from bsdgen.learn.share.unsplit import unsplit

reorder = importlib.import_module("bsdgen.learn.share.reorder")

W = 8  # x: 0 .. W - 1, y: W .. 2 W - 1, the control variable last
CONTROL = 2 * W


def literal(variable: int) -> int:
    return 2 * (variable + 1)


def less(graph: Graph, order: list[int], signed: bool = False) -> int:
    """Whether x < y, the last bit of `order` the most important; bit W - 1 is a sign if signed."""
    out = 0
    for i in order:
        x, y = literal(i), literal(W + i)
        if signed and i == W - 1:
            x, y = y, x
        out = graph.ite(x, graph.ite(y, out, 0), graph.ite(y, 1, out))
    return out


def bad_less(graph: Graph) -> int:
    """The same with all of x tested before all of y: exponential."""
    value = graph.compose([less(graph, list(range(W)))], {}, graph)[0]
    for i in range(W):
        low, high = (graph.cofactors([value], literal(i), bit)[0] for bit in (0, 1))
        value = graph.ite(literal(i), high, low)
    return value


def leaf(outputs: dict[int, int]) -> Contexts:
    contexts = Contexts(len(outputs))
    zero = np.zeros(1, np.uint64)
    contexts.mask, contexts.value, contexts.is_cube = [zero], [zero], [True]
    contexts.guard, contexts.low, contexts.high = [0], [-1], [-1]
    contexts.settled = [dict(outputs)]
    return contexts


def same(graph: Graph, one: int, other: int) -> bool:
    planes = np.random.default_rng(0).integers(0, 1 << 63, (graph.n_inputs, 256), np.uint64)
    return bool((Evaluator(graph, [one])(planes) == Evaluator(graph, [other])(planes)).all())


def test_components_share_no_node() -> None:
    graph = Graph(2 * W + 1)
    chain = less(graph, list(range(W)))
    step = graph.ite(literal(CONTROL), chain, 0)
    alone = graph.ite(literal(0), literal(1), 0)
    found = components(graph, [chain, step, alone, literal(3), 0])
    assert sorted(map(sorted, found)) == sorted([sorted([chain, step]), [alone]])


def test_a_bad_order_is_mended() -> None:
    graph = Graph(2 * W + 1)
    bad = bad_less(graph)
    before = len(graph.cone([bad]))
    contexts, renamed = reordered(graph, leaf({0: bad, 1: bad ^ 1}), Sifter())
    good = contexts.settled[0][0]
    assert contexts.settled[0][1] == good ^ 1 and renamed[bad & ~1] ^ (bad & 1) == good
    assert len(graph.cone([good])) <= 3 * W < before and same(graph, good, bad)


def test_orders_that_contradict_each_other() -> None:
    """No one order fits both: the least significant bit is first in one and last in the other."""
    graph = Graph(2 * W + 1)
    one, other = less(graph, list(range(W))), less(graph, list(range(W - 1, -1, -1)))
    both = graph.ite(literal(CONTROL), one, other)
    cone = graph.cone([both, one ^ 1])
    levels, roots = _ordered(graph, cone, [both, one ^ 1], _order(graph, cone))
    assert levels is not None and len(levels.order) == 2 * W + 1
    for old, new in zip([both, one ^ 1], _into(graph, levels, roots), strict=True):
        assert same(graph, old, new)
    assert same(graph, both, Sifter().run(graph, [both]).get(both, both))


def test_work_that_may_be_done() -> None:
    graph = Graph(2 * W + 1)
    bad = bad_less(graph)
    contexts, renamed = reordered(graph, leaf({0: bad}), Sifter(work=10))
    assert not renamed and contexts.settled[0][0] == bad
    ticks: list[int] = []
    reordered(graph, leaf({0: bad}), Sifter(lambda: ticks.append(1)))
    assert ticks


def test_an_order_that_takes_too_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph(2 * W + 1)
    bad = bad_less(graph)
    cone = graph.cone([bad])
    interleaved = [v for i in range(W - 1, -1, -1) for v in (i, W + i)]
    assert _ordered(graph, cone, [bad], interleaved)[0] is not None
    monkeypatch.setattr(reorder, "_PAIRS", 0)
    monkeypatch.setattr(reorder, "_PAIRS_MORE", 100)
    assert _ordered(graph, cone, [bad], interleaved) == (None, [])


def test_a_half_that_means_nothing() -> None:
    """Where one half is not cared for, the other is what the output is."""
    graph = Graph(2 * W + 1)
    halves = [less(graph, list(range(W))), less(graph, list(range(W)), signed=True)]
    made, (low, high) = leaf({0: 0}).split(graph, 0, literal(CONTROL))
    alone = graph.ite(literal(0), literal(1), 0)
    made.settled[low] = {0: halves[0], 1: DONT_CARE, 2: alone, 3: DONT_CARE}
    made.settled[high] = {0: halves[1], 1: alone ^ 1, 2: DONT_CARE, 3: DONT_CARE}
    after = unsplit(graph, made, Sifter()).settled[0]
    assert after[1] == alone ^ 1 and after[2] == alone and after[3] == DONT_CARE
    assert same(graph, after[0], graph.ite(literal(CONTROL), halves[1], halves[0]))


@pytest.mark.parametrize("alike", [True, False])
def test_halves_that_are_smaller_as_one(alike: bool) -> None:
    """Signed and unsigned comparison have all but one step in common; a sum bit and an AND have nothing."""
    graph = Graph(2 * W + 1)
    if alike:
        halves = [less(graph, list(range(W))), less(graph, list(range(W)), signed=True)]
    else:
        halves = [graph.ite(literal(i), literal(i + 1), 0) for i in (0, 3)]
    contexts = leaf({0: 0})
    made, (low, high) = contexts.split(graph, 0, literal(CONTROL))
    made.settled[low], made.settled[high] = {0: halves[0]}, {0: halves[1]}
    after = unsplit(graph, made, Sifter())
    if not alike:
        assert after.settled == made.settled and after.low == made.low
        return
    assert after.low[0] == after.high[0] == -1 and not after.settled[low] and not after.settled[high]
    whole = after.settled[0][0]
    assert same(graph, whole, graph.ite(literal(CONTROL), halves[1], halves[0]))
    assert len(graph.cone([whole])) < len(graph.cone([halves[0]])) + len(graph.cone([halves[1]])) - W
