"""Counterexamples name the speculations that they refute."""

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, TableOracle, learn, small_config

from bsdgen.bits import U64
from bsdgen.errors import BudgetReached
from bsdgen.learn import BsdLearner, LearnConfig, cycles, fit, tree
from bsdgen.learn.blame import Step, Walk, given_up, refuted
from bsdgen.learn.facts import array_of, plain
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.ledger import Kind, Ledger, Status
from bsdgen.learn.product import Attempt, Product
from bsdgen.learn.queries import Queries
from bsdgen.learn.recheck import recheck


def equality() -> FieldOracle:
    return FieldOracle([32, 32], [1], lambda a, b: ((a == b).astype(np.uint64),))


def recorded() -> U64:
    """Rows none of which has equal words: refinement has to find some."""
    return Fields([32, 32]).random(3, 500)


def ledger_of(fitted: BsdLearner) -> Ledger:
    ledger = Ledger.from_arrays(fitted.ledger_)
    assert ledger is not None
    return ledger


def raw(oracle: FieldOracle | TableOracle, output: int, mask: U64, value: U64, row: U64) -> int:
    outputs, _ = oracle.query(((row & ~mask) | value)[None])
    return int(outputs[0, output >> 6]) >> (output & 63) & 1


def check_witnesses(ledger: Ledger, oracle: FieldOracle | TableOracle) -> None:
    """Each witness shows the two sides of its claim to differ."""
    at_partner = {int(at): i for i, at in enumerate(ledger.partners)}
    at_guard = {int(at): i for i, at in enumerate(ledger.guards)}
    for at, row in zip(ledger.witnesses.tolist(), ledger.witness, strict=True):
        if at in at_guard:
            continue
        said = raw(oracle, int(ledger.output[at]), ledger.mask[at], ledger.value[at], row)
        if ledger.kind[at] == Kind.MERGE:
            i = at_partner[at]
            other = raw(
                oracle, int(ledger.partner_output[i]), ledger.partner_mask[i], ledger.partner_value[i], row
            )
            assert said != other ^ int(ledger.partner_inverted[i])
        elif ledger.kind[at] in (Kind.CONSTANT, Kind.VARIABLE):
            variable = (int(ledger.target[at]) >> 1) - 1
            bit = int(row[variable >> 6]) >> (variable & 63) & 1 if variable >= 0 else 0
            assert said != bit ^ (int(ledger.target[at]) & 1)


def test_refined_speculations_are_kept() -> None:
    """Until rows with equal words are seen, equality is taken for FALSE in many cubes."""
    fitted = learn(equality(), recorded(), n_sensitivity=64)
    ledger = ledger_of(fitted)
    old = ledger.round > 0
    assert fitted.stats_.n_rounds > 1 and old.any()
    assert (ledger.status[old] == Status.REFUTED).all() and ledger.round.max() <= fitted.stats_.n_rounds
    assert (ledger.status[~old] != Status.REFUTED).all()
    assert len(ledger.witnesses) and set(ledger.witnesses.tolist()) <= set(np.flatnonzero(old).tolist())
    check_witnesses(ledger, equality())
    assert (ledger.kind[old] == Kind.MERGE).any()
    keys = [key for key, given_up in zip(ledger.keys(), old, strict=True) if given_up]
    assert len(set(keys)) == len(keys)
    summary = fitted.ledger_summary_["kinds"]
    assert sum(counts["given_up"] for counts in summary.values()) == old.sum()
    assert fitted.ledger_summary_["records"] == (~old).sum()


def test_a_row_that_refutes_is_kept() -> None:
    """A claim is listed once: with the row that refutes it, be it found after the claim was undone."""
    oracle = equality()
    run = fit.Fit(LearnConfig(), oracle, None, None, None, False)
    table = FunctionTable(np.zeros((64, 1), np.uint64))
    nothing, row = np.zeros(1, np.uint64), np.array([[5]], np.uint64)
    step = Step(0, 0, nothing, nothing, 2)
    for number, rows, at in ((1, None, 1), (2, row, 2), (3, None, 2), (4, row, 2)):
        run._give_up(given_up(table, [step, step], number, 1, rows))
        assert len(run.given_up) == 1 and run.given_up.round.tolist() == [at]
        assert run.given_up.witness.tolist() == ([] if rows is None and at == 1 else [[5]])


def test_an_unfinished_diagram_has_refuted_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "_CYCLES", 1 << 20)  # so that the one round ends with a diagram
    fitted = BsdLearner(small_config(max_rounds=1, n_sensitivity=64))
    with pytest.raises(BudgetReached):
        fitted.fit(equality(), recorded())
    ledger = ledger_of(fitted)
    live = ledger.round == 0
    bad = live & (ledger.status == Status.REFUTED)
    assert bad.any() and (ledger.status[live & ~bad] == Status.SPECULATED).all()
    again = recheck(ledger, fitted.bsd_, equality(), 500, 0, recorded())
    assert (again.ledger.status[bad] == Status.REFUTED).all()


def attempt_of(oracle: FieldOracle, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """The last diagram, with what it was made from."""
    seen: list[Attempt] = []
    inner = fit.product_of
    monkeypatch.setattr(
        fit, "product_of", lambda attempt, *rest: (seen.append(attempt), inner(attempt, *rest))[1]
    )
    learn(oracle)
    return seen[-1]


def blamed(attempt: Attempt, other: FieldOracle, rows: U64) -> Ledger:
    """What another oracle refutes, row by row: no counterexample may go unexplained."""
    wrong = (attempt.assembly.bsd.evaluate(rows) ^ other.query(rows)[0]) & other.query(rows)[1]
    rows = rows[wrong.any(axis=1)]
    assert len(rows) > 3
    for row in rows[:20]:
        assert len(refuted(attempt, row[None], Queries(other), 1))
    return refuted(attempt, rows, Queries(other), 1)


def test_a_path_ends_with_what_the_diagram_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through contexts, a function guard of either value, merges and complements."""
    attempt = attempt_of(compare_then(False), monkeypatch)
    rows = Fields([12, 12, 32, 32]).random(1, 40)
    low = rows[::2, 0] & np.uint64(0xFFF)
    rows[::2, 0] = (rows[::2, 0] & ~np.uint64(0xFFF000)) | low << np.uint64(12)  # these have equal words
    says = attempt.assembly.bsd.evaluate(rows)[:, 0]
    walk = Walk(attempt.table, attempt.tree, rows)
    for row in range(len(rows)):
        for output in range(0, 32, 5):
            assert walk.follow(row, output) == int(says[row]) >> output & 1
    assert {turn.below == attempt.tree[turn.above].high for turn in walk.turns} == {True, False}


def test_given_up_claims_come_back_from_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Ledger, Product]] = []
    inner = fit.product_of
    monkeypatch.setattr(fit, "product_of", lambda *of: (seen.append((of[2], inner(*of))), seen[-1][1])[1])
    learn(equality(), recorded(), n_sensitivity=64)
    given_up, _ = seen[-1]
    assert len(given_up) > 10
    back = Ledger.from_plain({name: array_of(plain(array)) for name, array in given_up.arrays().items()})
    for name, array in given_up.arrays().items():
        assert np.array_equal(back.arrays()[name], array) and back.arrays()[name].dtype == array.dtype, name


def test_every_counterexample_refutes_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagram of one function held against another."""
    attempt = attempt_of(FieldOracle([8, 8], [8], lambda a, b: (a + b,)), monkeypatch)
    other = FieldOracle([8, 8], [8], lambda a, b: (np.where(a & np.uint64(7) == 5, a - b, a + b),))
    found = blamed(attempt, other, Fields([8, 8]).random(5, 300))
    check_witnesses(found, other)
    assert len(found.witnesses) == len(found)


def compare_then(other: bool) -> FieldOracle:
    def function(a: U64, b: U64, x: U64, y: U64) -> tuple[U64]:
        odd = (x >> np.uint64(20) == 0xABC) & ((a ^ b) == 1) if other else np.zeros(a.shape, np.bool_)
        return (np.where(a == b, x + y, np.where(odd, x | y, x ^ y)),)

    return FieldOracle([12, 12, 32, 32], [32], function)


def test_guards_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a third way for the set to act exists, the guard is what was wrong."""
    attempt = attempt_of(compare_then(False), monkeypatch)
    assert any(node.bound is not None for node in attempt.tree)
    rows = Fields([12, 12, 32, 32]).random(1, 50)
    low = rows[:, 0] & np.uint64(0xFFF)
    rows[:, 0] = low | (low ^ np.uint64(1)) << np.uint64(12) | (rows[:, 0] >> np.uint64(24) << np.uint64(24))
    x = np.uint64(0xABC) << np.uint64(20)
    rows[:, 0] = (rows[:, 0] & np.uint64((1 << 24) - 1)) | (x & np.uint64(0xFFFFFFFF)) << np.uint64(24)
    found = blamed(attempt, compare_then(True), rows)
    guards = found.kind == Kind.GUARD
    assert guards.sum() == 1 and found.guards.tolist() == np.flatnonzero(guards).tolist()
    assert int(np.bitwise_count(found.guard_set).sum()) == 24 and (found.status == Status.REFUTED).all()
    assert int(np.bitwise_count(found.guard_outputs).sum()) > 20


def test_uncared_outputs_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def function(op: U64, a: U64, b: U64) -> tuple[U64, U64]:
        return np.choose(op.astype(np.int64), [a + b, a & b, a ^ b, a - b]), a | b

    def cared(op: U64, a: U64, b: U64) -> tuple[U64, U64]:
        ones = np.full(op.shape, ~np.uint64(0))
        return ones, np.where(op < 2, ones, np.uint64(0))

    def other(op: U64, a: U64, b: U64) -> tuple[U64, U64]:
        return function(op, a, b)[0], np.where(op < 2, a | b, a & b)

    monkeypatch.setattr(LearnConfig, "control_gain", 0.01)
    monkeypatch.setattr(tree, "_LEAF_BUDGET", 0)  # or one leaf would do for all
    attempt = attempt_of(FieldOracle([2, 8, 8], [8, 8], function, cared), monkeypatch)
    found = blamed(attempt, FieldOracle([2, 8, 8], [8, 8], other), Fields([2, 8, 8]).random(1, 200))
    assert (found.kind == Kind.UNCARED).any()
