"""Cycles of merges: the merge that is undone is a wrong one, and a row shows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, learn, small_config
from test_blame import check_witnesses

from bsdgen.bits import U64
from bsdgen.errors import BudgetReached
from bsdgen.learn import BsdLearner, Event, cycles, fit
from bsdgen.learn.assemble import Assembly
from bsdgen.learn.cycles import Undone, undone
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.keeper import Keeper, RoundState
from bsdgen.learn.layers import Memory
from bsdgen.learn.ledger import Kind, Ledger, Status
from bsdgen.learn.product import Product
from bsdgen.learn.queries import Queries

WIDTHS = [12, 12, 32, 32]


def selected() -> FieldOracle:
    """Two circuits that an equality chooses between: rows with equal words are rare, and so are its edges."""
    return FieldOracle(WIDTHS, [32], lambda a, b, x, y: (np.where(a == b, x + y, x ^ y),))


def is_right(learner: object, oracle: FieldOracle) -> bool:
    rows = Fields(WIDTHS).random(5, 1 << 15)
    outputs, care = oracle.query(rows)
    return not ((learner.bsd_.evaluate(rows) ^ outputs) & care).any()  # type: ignore[attr-defined]


def test_what_is_undone_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[list[tuple[int, int]], Undone]] = []

    def seen(
        table: FunctionTable, path: list[tuple[int, int]], bank: U64, queries: Queries, n: int
    ) -> Undone:
        found.append((path, undone(table, path, bank, queries, n)))
        return found[-1][1]

    monkeypatch.setattr(cycles, "undone", seen)
    oracle = selected()
    assert is_right(learn(oracle, n_bank=4096), oracle)
    assert found
    for path, of in found:
        assert set(of.edges) <= set(path) and of.rows.shape[0] == len(of.edges) == len(of.record)
        assert (of.record.kind == Kind.MERGE).all() and (of.record.status == Status.REFUTED).all()
        check_witnesses(of.record, oracle)
    assert any(of.edges != [path[-1]] for path, of in found)  # the last edge is as good as any other


def test_a_round_begins_anew_with_what_refutes_its_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "_CYCLES", 2)
    oracle = selected()
    learner = learn(oracle, n_bank=4096)
    assert is_right(learner, oracle)
    assert learner.stats_.n_rounds > 1 and learner.stats_.n_counterexamples > 2
    assert learner.ledger_summary_["bank_rows"] > 4096


def test_the_same_after_rounds_that_began_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What they refuted, and the diagram of the round before, are part of what is resumed from."""
    monkeypatch.setattr(cycles, "_CYCLES", 2)
    oracle = selected()
    whole = learn(oracle, n_bank=4096)
    stops = 0
    learner = BsdLearner(small_config(n_bank=4096))
    while stops < 40:
        try:
            learner.fit(oracle, on_event=second_beginning(), checkpoint=tmp_path, resume=stops > 0)
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops > 1 and learner.stats_.finished
    assert learner.ledger_.keys() == whole.ledger_.keys()
    for name, array in whole.ledger_.items():
        assert np.array_equal(array, learner.ledger_[name]), name


def second_beginning() -> Callable[[Event], None]:
    """Stops a run at the second round that begins anew; what the first one left has been saved then."""
    seen: list[int] = []

    def stop(event: Event) -> None:
        if event.stage == "check" and "lead back" in event.message:
            seen.append(1)
            if len(seen) > 1:
                raise KeyboardInterrupt

    return stop


def test_without_a_row_the_last_edge_is_undone() -> None:
    """The table says that x0 & x1 is itself where x0 is 1; no row of the bank has x1."""
    oracle = FieldOracle([2], [1], lambda a: (a >> np.uint64(1) & a & np.uint64(1),))
    queries = Queries(oracle)
    bank = np.zeros((64, 1), np.uint64)
    table = FunctionTable(queries.planes(bank, 2))
    zero = np.zeros(1, np.uint64)
    signature = np.array([6], np.uint64)
    literal, _ = table.intern(0, zero, zero, signature)
    of = table.at(literal >> 1)
    of.variable, of.low, of.high = 0, 0, literal
    path = [(literal >> 1, 1)]
    found = undone(table, path, bank, queries, 3)
    assert found.edges == path and found.rows.shape == (0, 1)
    bank[:, 0] = 2
    shown = undone(table, path, bank, queries, 3)
    assert shown.edges == path and shown.rows.shape == (1, 1)
    check_witnesses(shown.record, oracle)


def rare() -> FieldOracle:
    """Equal words: with few rows of sensitivities it takes rounds."""
    return FieldOracle([32, 32], [1], lambda a, b: ((a == b).astype(np.uint64),))


def test_the_best_diagram_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A round that begins anew has none of its own to put in its place."""
    monkeypatch.setattr(cycles, "_CYCLES", 1 << 20)  # rounds end with diagrams
    begin, seen = Keeper.begin_round, []

    def begun(self: Keeper, state: RoundState, best: Product | None, *rest: Any) -> None:
        begin(self, state, best, *rest)
        if best is not None:
            begin(self, state, None, *rest)
            left = Keeper(tmp_path, self.made)
            left.resume(Memory())
            assert left.best is not None
            seen.append(left.best.bsd.n_nodes)

    monkeypatch.setattr(Keeper, "begin_round", begun)
    learner = BsdLearner(small_config(n_sensitivity=64, max_rounds=2))
    with pytest.raises(BudgetReached):
        learner.fit(rare(), Fields([32, 32]).random(3, 500), checkpoint=tmp_path)
    assert seen


def test_an_earlier_diagram_keeps_its_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """What speaks against the diagram of round 1 is said of it, though round 2 ended without one."""
    monkeypatch.setattr(cycles, "_CYCLES", 1 << 20)
    rows = Fields([32, 32]).random(3, 500)
    calls: list[int] = []

    def at_second(*of: Any) -> tuple[Assembly, int]:
        calls.append(1)
        if len(calls) > 1:
            raise cycles.Cyclic(rows[:3])
        return cycles.assembled(*of)

    monkeypatch.setattr(fit, "assembled", at_second)
    refuted = []
    for rounds in (1, 2):
        calls.clear()
        learner = BsdLearner(small_config(n_sensitivity=64, max_rounds=rounds))
        with pytest.raises(BudgetReached, match=f"after {rounds} rounds"):
            learner.fit(rare(), rows)
        ledger = Ledger.from_arrays(learner.ledger_)
        assert ledger is not None
        refuted.append(int(((ledger.status == Status.REFUTED) & (ledger.round == 0)).sum()))
    assert refuted[0] == refuted[1] > 0


def test_no_questions() -> None:
    """Where nothing is left to be asked, nothing is answered."""
    queries, none, cubes = Queries(rare()), np.zeros(0, np.int64), np.zeros((0, 1), np.uint64)
    bank = np.zeros((128, 1), np.uint64)
    assert queries.signatures(bank, none, cubes, cubes).shape == (0, 2)
    one, cube = np.zeros(1, np.int64), np.zeros((1, 1), np.uint64)
    assert queries.sensitivities(bank[None], one, cube, cube, none, none).shape == (0, 2)
