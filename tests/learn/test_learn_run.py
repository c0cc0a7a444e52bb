"""What a run tells and promises: determinism, budgets, events, statistics, and a ledger that is true."""

import dataclasses

import numba
import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, TableOracle, Words, every_row, learn, small_config

from bsdgen.bits import U64
from bsdgen.errors import BsdgenError, BudgetReached
from bsdgen.learn import BsdLearner, Event, LearnConfig


def unit(mode: U64, a: U64, b: U64) -> Words:
    return (np.where(mode.astype(np.bool_), a - b, a + b), (a < b).astype(np.uint64))


def unit_oracle() -> FieldOracle:
    return FieldOracle([1, 12, 12], [12, 1], unit)


def guard_oracle() -> FieldOracle:
    return FieldOracle([12, 12, 32, 32], [32], lambda a, b, x, y: (np.where(a == b, x + y, x ^ y),))


def random_oracle() -> TableOracle:
    rng = np.random.default_rng(8)
    return TableOracle(rng.random((256, 4)) < 0.5, rng.random((256, 4)) < 0.7)


def arrays_of(learner: BsdLearner) -> list[bytes]:
    bsd = learner.bsd_
    ledger = [learner.ledger_[name].tobytes() for name in sorted(learner.ledger_)]
    return [a.tobytes() for a in (bsd.guard, bsd.low, bsd.high, bsd.roots)] + ledger


@pytest.mark.parametrize("make", [unit_oracle, random_oracle, guard_oracle])
def test_same_seed_same_diagram(make: type) -> None:
    """Twice the same, whatever the number of threads."""
    runs = [learn(make(), jobs=jobs) for jobs in (1, 1, 2)]
    first = arrays_of(runs[0])
    assert runs[0].bsd_.n_nodes > 20
    assert arrays_of(runs[1]) == first and arrays_of(runs[2]) == first
    assert runs[0].stats_.oracle_queries == runs[2].stats_.oracle_queries


def test_the_seed_is_used() -> None:
    asked = []
    for seed in (1, 2):
        oracle = FieldOracle([20], [1], lambda a: (a & np.uint64(1),))
        inner, oracle_rows = oracle.query, []
        oracle.query = lambda rows, inner=inner, log=oracle_rows: (log.append(rows.copy()), inner(rows))[1]  # type: ignore[method-assign]
        learn(oracle, seed=seed)
        asked.append(oracle_rows[0].tobytes())
    assert asked[0] != asked[1]


def test_time_limit() -> None:
    with pytest.raises(BudgetReached, match=r"time limit of 1e-05 s .* raise time_limit_s"):
        learn(unit_oracle(), time_limit_s=1e-5)
    learn(unit_oracle(), time_limit_s=300.0)


def test_node_limit() -> None:
    with pytest.raises(BudgetReached, match=r"more than 60 functions .* raise max_nodes"):
        learn(unit_oracle(), max_nodes=60)


def test_round_limit() -> None:
    """An event rarer than the first bank takes more than one round."""
    oracle = FieldOracle([32, 32], [1], lambda a, b: ((a == b).astype(np.uint64),))
    rows = Fields([32, 32]).random(3, 500)
    assert learn(oracle, rows, n_sensitivity=64).stats_.n_rounds > 1
    with pytest.raises(BudgetReached, match=r"after 1 rounds .* raise max_rounds"):
        learn(oracle, rows, max_rounds=1, n_sensitivity=64)


def test_events() -> None:
    told: list[Event] = []
    learner = BsdLearner(small_config()).fit(unit_oracle(), None, told.append)
    stages = [event.stage for event in told]
    assert {"contexts", "check", "done"} <= set(stages) <= {"contexts", "expand", "checking", "check", "done"}
    assert stages[-1] == "done" and stages.count("done") == 1
    assert stages.count("check") == learner.stats_.n_rounds
    assert all(event.message and event.nodes >= 0 for event in told)
    assert str(learner.bsd_.n_nodes) in told[-1].message
    assert max(event.nodes for event in told) >= learner.stats_.n_functions


def test_statistics() -> None:
    oracle = unit_oracle()
    learner = learn(oracle)
    stats = learner.stats_
    assert stats.oracle_queries == oracle.n_queries
    assert stats.n_nodes == learner.bsd_.n_nodes
    assert 0 < stats.wall_s < 60 and stats.cpu_s > 0 and 10 < stats.peak_rss_mib < 1e6
    assert stats.n_rounds >= 1 and stats.n_contexts >= 1 and stats.n_guards >= 0
    assert 1 << 17 <= stats.n_checked <= 1 << 18  # a small diagram needs fewer than n_check
    assert all(isinstance(value, int | float | tuple) for value in dataclasses.asdict(stats).values())
    assert stats.finished and stats.n_wrong == 0 and stats.wrong_by_output == ()
    summary = learner.ledger_summary_
    assert summary["contexts"] == stats.n_contexts and summary["fresh_rows_wrong"] == 0
    assert summary["bank_rows"] >= 1024 and summary["bank_rows"] % 64 == 0
    assert summary["fresh_rows_checked"] == stats.n_checked


def test_counterexamples_are_counted() -> None:
    rows = Fields([32, 32]).random(3, 500)
    learner = learn(
        FieldOracle([32, 32], [1], lambda a, b: ((a == b).astype(np.uint64),)), rows, n_sensitivity=64
    )
    assert learner.stats_.n_counterexamples > 0
    assert learner.ledger_summary_["bank_rows"] > 1024


@pytest.mark.parametrize(
    "changes", [{"n_bank": 100}, {"n_bank": 0}, {"n_sensitivity": 65}, {"n_sensitivity": 9000}]
)
def test_sizes_that_are_no_whole_words(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be a (positive )?multiple of 64"):
        LearnConfig(**changes)  # type: ignore[arg-type]


def test_threads_are_given_back() -> None:
    """`jobs` = 0 means all cores, also after a fit that used fewer."""
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    learn(unit_oracle(), jobs=1)
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS


def test_time_limit_holds_while_checking() -> None:
    """A function without a node: all the time goes into fresh rows."""
    with pytest.raises(BudgetReached, match="time limit"):
        learn(FieldOracle([20], [20], lambda a: (a,)), time_limit_s=1e-5)


@pytest.mark.parametrize(
    "rows", [np.zeros((5, 2), np.uint64), np.zeros((5, 1), np.int64), np.zeros(5, np.uint64)]
)
def test_rows_of_the_wrong_shape(rows: np.ndarray) -> None:
    """The message says what was expected instead of failing inside numpy."""
    with pytest.raises((BsdgenError, ValueError), match=r"rows must be uint64 of shape \(n, 1\)"):
        learn(unit_oracle(), rows)


def test_defaults_learn_too() -> None:
    oracle = FieldOracle([6, 6], [7], lambda a, b: (a + b,))
    learner = BsdLearner().fit(oracle)
    rows = every_row(12)
    assert np.array_equal(learner.bsd_.evaluate(rows), oracle.query(rows)[0])
