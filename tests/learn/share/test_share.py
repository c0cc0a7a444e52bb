"""The whole: units are found, nothing that is cared for changes, and bit numbers do not matter."""

import functools
import sys

import numpy as np
import pytest
from small_alus import FIELDS, SHORT, Built, N, W
from small_oracles import Fields

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn.control import GONE, ControlTree
from bsdgen.learn.share import Sharing, share
from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Graph, variables
from bsdgen.learn.share.search import Search
from bsdgen.learn.share.units import Contexts


@functools.cache
def built(seed: int | None = None) -> Built:
    return Built(seed)


@functools.cache
def made(exclusive: bool, substitution: bool, seed: int | None = None) -> Sharing:
    of = built(seed)
    assert of.wrong(of.bsd) == 0
    sharing = share(of.bsd, of.tree, exclusive, substitution)
    assert sharing is not None
    return sharing


def same(one: Bsd, other: Bsd) -> bool:
    names = ("guard", "low", "high", "roots")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


@pytest.mark.parametrize("seed", [None, 3, 4])
@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_what_is_cared_for_stays(which: tuple[bool, bool], seed: int | None) -> None:
    sharing = made(*which, seed)
    assert built(seed).wrong(sharing.bsd) == 0
    assert sharing.bsd.n_nodes < 0.8 * built(seed).bsd.n_nodes


def test_units() -> None:
    """One adder for sums, difference and addresses, one shifter; both passes together are best."""
    adder, shifter = sorted(made(True, True).units, key=lambda unit: -len(unit.uses))
    assert len(adder.uses) == 5 and len(shifter.uses) == 2
    assert len(adder.functions) == W and len(shifter.functions) >= W - 1
    sizes = {which: made(*which).bsd.n_nodes for which in ((True, False), (False, True), (True, True))}
    assert sizes[True, True] < min(sizes[True, False], sizes[False, True])


def test_records_say_what_outputs_are() -> None:
    """In each context that uses a unit, each of its outputs is the literal that the record names."""
    sharing = made(True, True)
    rows = Fields(FIELDS).random(5, 512)
    n_compared = 0
    for unit in sharing.units:
        assert unit.base in unit.uses
        for context, (choices, outputs) in unit.uses.items():
            inside = (rows & ~sharing.mask[context]) | sharing.value[context]
            roots = sharing.bsd.evaluate(inside)
            for output, literal in outputs.items():
                if literal != GONE:
                    said = sharing.bsd.evaluate_each(inside, np.full(512, literal, np.int32))
                    assert (said == (roots[:, 0] >> np.uint64(output) & np.uint64(1))).all()
                    n_compared += 1
            for variable, literal in choices.items():
                operand = unit.operands[variable]
                if operand != GONE and literal >> 1 <= N:
                    said, stands = (
                        sharing.bsd.evaluate_each(inside, np.full(512, x, np.int32))
                        for x in (operand, literal)
                    )
                    assert (said == stands).all()
                    n_compared += 1
    assert n_compared > 10 * W


def test_old_nodes_are_where_they_are_said_to_be() -> None:
    """Exactly the same function, or the same inside a unit's own context."""
    old, sharing = built().bsd, made(True, True)
    rows: U64 = Fields(FIELDS).random(6, 512)
    kept = np.flatnonzero(sharing.literals != GONE)
    assert kept.shape[0] > N + 1
    for index in kept:
        said = sharing.bsd.evaluate_each(rows, np.full(512, sharing.literals[index], np.int32))
        assert (said == old.evaluate_each(rows, np.full(512, 2 * index, np.int32))).all()
    n_inside = 0
    for unit, literals in zip(sharing.units, sharing.inside, strict=True):
        there = (rows & ~sharing.mask[unit.base]) | sharing.value[unit.base]
        for index in np.flatnonzero((literals != GONE) & (np.arange(len(literals)) > N)):
            said = sharing.bsd.evaluate_each(there, np.full(512, literals[index], np.int32))
            assert (said == old.evaluate_each(there, np.full(512, 2 * index, np.int32))).all()
            n_inside += 1
    assert n_inside > W


@pytest.mark.parametrize("seed", range(4))
def test_numbers_and_polarities_do_not_matter(seed: int) -> None:
    plain, disguised = made(True, True).bsd.n_nodes, made(True, True, seed).bsd.n_nodes
    assert abs(disguised - plain) <= 0.1 * plain
    assert len(made(True, True, seed).units) == len(made(True, True).units)


def test_the_same_every_time() -> None:
    of = Built()
    again = share(of.bsd, of.tree, True, True)
    assert again is not None and same(again.bsd, made(True, True).bsd)
    assert again.units == made(True, True).units


def test_nothing_to_gain() -> None:
    """Products of variables, one context: no result."""
    graph = Graph(8)
    roots = [graph.ite(2 * (v + 1), 2 * (v + 2), 0) for v in range(7)]
    bsd, there = graph.to_bsd(roots)
    n, none = len(roots), np.zeros(1, np.int32)
    tree = ControlTree(
        none,
        none - 1,
        none - 1,
        np.zeros((1, 1), np.uint64),
        np.zeros((1, 1), np.uint64),
        np.zeros(n, np.int32),
        np.arange(n, dtype=np.int32),
        np.array([there[root >> 1] for root in roots], np.int32),
        np.ones(n, np.bool_),
    )
    assert share(bsd, tree, True, True) is None


def test_a_tick_can_end_it() -> None:
    class Enough(Exception):
        pass

    def tick() -> None:
        raise Enough

    of, told = Built(), list[str]()
    with pytest.raises(Enough):
        share(of.bsd, of.tree, True, True, tick=tick)
    share(of.bsd, of.tree, True, True, tell=told.append)
    assert len(told) == 2 and told[0].startswith("1 units, 5 uses")


def test_the_short_operand_is_extended() -> None:
    """The operand that the second sum needs chooses its sign bit for all upper bits."""
    unit = max(made(True, True).units, key=lambda of: len(of.uses))
    sign = 2 * N  # the literal of the last variable
    chosen = [sum(x >> 1 == sign >> 1 for x in choices.values()) for choices, _ in unit.uses.values()]
    assert max(chosen) == W - SHORT + 1


def test_work_is_bounded() -> None:
    """By counts, so that the same is found on every machine; what was found so far is kept."""
    of = built()

    def units(most_work: int) -> tuple[int, int, list[str]]:
        graph, literals = ExclusiveGraph.of(of.bsd)
        contexts = Contexts.of(of.tree, literals, of.bsd.n_outputs)
        assert contexts is not None
        told: list[str] = []
        search = Search(graph, contexts, told.append, lambda: None, most_work)
        search.run()
        return len(search.units), search.work, told

    n_all, work, _ = units(1 << 40)
    assert n_all == 2
    n_none, least, told = units(1)
    assert n_none == 0 and least < work / 10 and "too long" in told[-1]
    n_some, _, told = units(work - 1)
    assert n_some == 2 and "too long" not in told[0]
    assert units(work // 2) == units(work // 2)


def test_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    of = built()
    monkeypatch.setattr(sys.modules["bsdgen.learn.share.share"], "_LARGEST", of.bsd.n_nodes)
    assert share(of.bsd, of.tree, True, True) is None


def test_orders_that_make_the_whole_larger_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function with its last variables tested first: the result is the one without reordering."""

    def worse(graph: Graph, contexts: Contexts, sifter: object) -> tuple[Contexts, dict[int, int]]:
        literals = {e & ~1 for of in contexts.settled for e in of.values() if e >= 2 * graph.first}
        renamed = {}
        for literal in sorted(literals):
            made = literal
            for variable in variables(graph.support(literal))[-6:]:
                low, high = (graph.cofactors([made], 2 * (variable + 1), bit)[0] for bit in (0, 1))
                made = graph.ite(2 * (variable + 1), high, low)
            renamed[literal] = made
        return contexts.replaced(renamed), renamed

    of = built()
    module = sys.modules["bsdgen.learn.share.share"]
    monkeypatch.setattr(module, "reordered", worse)
    monkeypatch.setattr(module, "unsplit", lambda graph, contexts, sifter: contexts)
    plain = share(of.bsd, of.tree, True, False, False)

    def again(*of: object) -> None:
        raise AssertionError("what makes the whole larger was taken")

    monkeypatch.setattr(module, "share", again)  # how a result that is too large is made anew
    kept = share(of.bsd, of.tree, True, False, True)
    assert kept is not None and plain is not None and same(kept.bsd, plain.bsd)
    sizes = iter((0, 1))
    monkeypatch.setattr(module, "_gates", lambda graph, contexts: next(sizes))
    with pytest.raises(AssertionError, match="larger was taken"):
        share(of.bsd, of.tree, True, False, True)
