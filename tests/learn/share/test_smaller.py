"""The last step of learning: what the smaller diagram's ledger says is true, and a wrong match is undone."""

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, Words, small_config

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn import BsdLearner, Event
from bsdgen.learn.assemble import Assembly, assemble
from bsdgen.learn.check import Checker, Mistakes
from bsdgen.learn.ledger import Kind, Ledger, Status
from bsdgen.learn.recheck import recheck
from bsdgen.learn.share.match import Match, Matcher

W = 16
FIELDS = [2, W, W, W]


def operate(op: U64, a: U64, b: U64, c: U64) -> Words:
    return (np.choose(op.astype(np.int64), [a + b, a + c, a - b, c - a]),)


def oracle() -> FieldOracle:
    return FieldOracle(FIELDS, [W], operate)


def fit(events: list[Event] | None = None, **changes: object) -> BsdLearner:
    """Without better orders: these would join contexts, and leave fewer uses to look at."""
    tell = None if events is None else events.append
    return BsdLearner(small_config(reordering=False, **changes)).fit(oracle(), None, tell)


@functools.cache
def learned(substitution: bool = True) -> BsdLearner:
    return fit(substitution=substitution)


def right(learner: BsdLearner) -> bool:
    rows = Fields(FIELDS).random(9, 1 << 14)
    return not (learner.bsd_.evaluate(rows) ^ oracle().query(rows)[0]).any()


def ledger_of(learner: BsdLearner) -> Ledger:
    ledger = Ledger.from_arrays(learner.ledger_)
    assert ledger is not None
    return ledger


def same(one: Bsd, other: Bsd) -> bool:
    names = ("guard", "low", "high", "roots")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


def test_one_adder_for_all() -> None:
    shared, plain = learned(), learned(False)
    assert right(shared) and right(plain)
    assert shared.ledger_summary_["units"] == [{"functions": W, "operands": 2 * W, "uses": 4}]
    assert shared.bsd_.n_nodes < 0.65 * plain.bsd_.n_nodes
    assert shared.ledger_summary_["nodes_before_sharing"] > plain.bsd_.n_nodes
    assert shared.stats_.n_nodes == shared.bsd_.n_nodes


def test_claims_are_true() -> None:
    """Those that were there before as well as those that sharing made."""
    learner, ledger = learned(), ledger_of(learned())
    again = recheck(ledger, learner.bsd_, oracle(), 256, 3)
    assert again.refuted.shape == (0,) and again.n_rows > 0
    substitutions = ledger.kind == Kind.SUBSTITUTION
    assert substitutions.sum() >= 2 * W  # three uses; some bits are functions that no node is
    assert (ledger.fresh[substitutions] > 0).all()
    assert (ledger.status[substitutions] == Status.CONFIRMED).all()


def test_a_wrong_match_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A match that takes a function for its complement is seen, said, and not handed out."""
    match = Matcher.match

    def wrong(self: Matcher, *pairs: Any, **choices: Any) -> Match | None:
        found = match(self, *pairs, **choices)
        if found is None:
            return None
        return replace(found, inverted=(*found.inverted[:-1], 1 - max(found.inverted[-1], 0)))

    monkeypatch.setattr(Matcher, "match", wrong)
    events: list[Event] = []
    learner = fit(events)
    warnings = [event.message for event in events if event.stage == "warning"]
    assert warnings and all("wrong after sharing; undone" in message for message in warnings)
    assert right(learner) and learner.stats_.finished
    assert same(learner.bsd_, learned(False).bsd_)
    assert not (ledger_of(learner).kind == Kind.SUBSTITUTION).any()


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_same_every_time(jobs: int) -> None:
    learner = fit(jobs=jobs)
    assert same(learner.bsd_, learned().bsd_)
    assert learner.ledger_.keys() == learned().ledger_.keys()
    for name, array in learner.ledger_.items():
        assert array.tobytes() == learned().ledger_[name].tobytes(), name


def test_off_is_off() -> None:
    learner = fit(substitution=False, exclusive=False)
    assert right(learner) and "units" not in learner.ledger_summary_
    assert learner.bsd_.n_nodes == learned().ledger_summary_["nodes_before_sharing"]


def test_what_the_last_check_refutes_is_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are wrong after sharing and were so before are counterexamples, not a reason to give up."""
    run, of_table, n_made = Checker.run, assemble, iter(range(100))

    def wrong_at_first(*rest: Any) -> Assembly:
        made = of_table(*rest)
        if next(n_made):
            return made
        flip = ((made.tree.entry_output == 0) & (made.tree.literal >= 0)).astype(np.int32)
        roots = made.bsd.roots.copy()
        roots[0] ^= 1
        return replace(
            made,
            bsd=replace(made.bsd, roots=roots),
            tree=replace(made.tree, literal=made.tree.literal ^ flip),
        )

    def only_after_sharing(self: Checker, *rest: Any) -> Mistakes:
        return run(self, *rest) if self.made is not self.assembly else replace(self.mistakes, checked=1)

    monkeypatch.setattr("bsdgen.learn.cycles.assemble", wrong_at_first)
    monkeypatch.setattr(Checker, "run", only_after_sharing)
    events: list[Event] = []
    learner = fit(events)
    assert any("were wrong before, too" in event.message for event in events)
    assert right(learner) and learner.stats_.n_counterexamples > 0 and learner.stats_.n_rounds == 2
