"""A budget that is used up ends with the best diagram so far, and says how good it is."""

import subprocess
import sys

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, TableOracle, small_config

from bsdgen.bits import U64, to_bool
from bsdgen.errors import BudgetReached
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.learn.budget import Budget, memory_limit_mib, memory_there_is_mib


def product(width: int) -> FieldOracle:
    mask = np.uint64((1 << width) - 1)
    return FieldOracle([width, width], [width], lambda a, b: ((a * b) & mask,))


def stopped(oracle: object, rows: U64 | None = None, **changes: object) -> BsdLearner:
    learner = BsdLearner(small_config(**changes))
    with pytest.raises(BudgetReached):
        learner.fit(oracle, rows)  # type: ignore[arg-type]
    return learner


def wrong_by_output(learner: BsdLearner, oracle: FieldOracle, seed: int = 91) -> np.ndarray:
    rows = Fields(oracle.widths_in).random(seed, 1 << 14)
    differs = learner.bsd_.evaluate(rows) ^ oracle.query(rows)[0]
    return to_bool(differs, oracle.n_outputs).mean(axis=0)


def test_products_end_with_their_low_bits_exact() -> None:
    """Time is up: the low bits of a product are finished, the high ones guessed; both are told."""
    oracle = product(32)
    learner = stopped(oracle, time_limit_s=6.0)
    stats = learner.stats_
    assert not stats.finished and stats.wall_s < 12 and stats.peak_rss_mib < 2048
    assert len(stats.wrong_by_output) == 32 and stats.wrong_by_output[:4] == (0, 0, 0, 0)
    measured = np.array(stats.wrong_by_output) / stats.n_checked
    assert np.array_equal(np.flatnonzero(wrong_by_output(learner, oracle)[:4]), [])
    assert 0.2 < measured[-1] < 0.51  # more than half is right of a bit that was only guessed
    assert 0 < stats.n_wrong <= stats.n_checked
    assert learner.ledger_summary_["fresh_rows_wrong"] == stats.n_wrong


def test_a_node_budget_gives_the_same_diagram_each_time() -> None:
    oracle = product(12)
    runs = [stopped(product(12), max_nodes=200, jobs=jobs) for jobs in (1, 2)]
    first, second = (run.bsd_ for run in runs)
    for name in ("guard", "low", "high", "roots"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert not wrong_by_output(runs[0], oracle)[:4].any()
    assert runs[0].stats_.wrong_by_output == runs[1].stats_.wrong_by_output


def test_outputs_that_are_easy_are_right_beside_one_that_is_not() -> None:
    def mixed(a: U64, b: U64) -> tuple[U64, ...]:
        return (a + b, (a * b) >> np.uint64(15) & np.uint64(1))

    oracle = FieldOracle([16, 16], [17, 1], mixed)
    learner = stopped(oracle, max_nodes=600)
    assert learner.stats_.wrong_by_output[:17] == (0,) * 17 and learner.stats_.wrong_by_output[17] > 0
    assert not wrong_by_output(learner, oracle)[:17].any()


def test_a_round_that_was_whole_is_what_is_left() -> None:
    """Refinement off: the diagram of the first round, with the rows on which it is wrong."""
    oracle = FieldOracle([32, 32], [1, 2], lambda a, b: ((a == b).astype(np.uint64), a & np.uint64(3)))
    rows = Fields([32, 32]).random(3, 500)
    learner = stopped(oracle, rows, max_rounds=1, n_sensitivity=64)
    stats = learner.stats_
    assert not stats.finished and stats.n_rounds == 1
    assert stats.n_wrong < stats.n_checked / 10 and stats.wrong_by_output[1:] in ((0, 0), ())


def test_memory_budget() -> None:
    with pytest.raises(BudgetReached, match=r"memory limit of 1 MiB reached .* raise max_memory_mib"):
        BsdLearner(small_config(max_memory_mib=1.0)).fit(product(8))


def test_a_failed_allocation_is_a_memory_budget() -> None:
    """The tables still serve: what is there is handed out."""
    oracle = product(8)
    ask, left = oracle.query, iter(range(40))

    def query(rows: U64) -> tuple[U64, U64]:
        if next(left, None) == 30:
            raise MemoryError
        return ask(rows)

    oracle.query = query  # type: ignore[method-assign]
    learner = stopped(oracle)
    assert not learner.stats_.finished and learner.bsd_.n_outputs == 8


def test_no_budget_is_reached_by_what_is_finished() -> None:
    oracle = TableOracle(np.random.default_rng(1).random((64, 2)) < 0.5)
    learner = BsdLearner(small_config(time_limit_s=300.0, max_nodes=1000)).fit(oracle)
    assert learner.stats_.finished and learner.stats_.wrong_by_output == ()


def test_time_that_is_held_back() -> None:
    now, used = [0.0], [0.0]
    budget = Budget(
        LearnConfig(time_limit_s=10.0, max_memory_mib=100.0), rss=lambda: used[0], clock=lambda: now[0]
    )
    now[0], used[0] = 5.9, 84.0
    budget.check(1)
    now[0] = 6.1
    with pytest.raises(BudgetReached, match="time limit of 10 s"):
        budget.check(1)
    budget.refine()
    budget.check(1)
    used[0] = 86.0
    assert budget.is_short_of_memory
    with pytest.raises(BudgetReached, match="memory limit of 100 MiB"):
        for _ in range(8):  # memory is looked at now and then
            budget.check(1)
    budget.rescue()
    budget.check(1)
    now[0] = 8.1
    with pytest.raises(BudgetReached):
        budget.check(1)
    budget.off()
    now[0], used[0] = 1000.0, 1000.0
    budget.check(1)
    assert budget.left_s == 0.0 and budget.elapsed_s == 1000.0


def test_a_rescue_after_a_slow_start_has_some_time() -> None:
    now = [0.0]
    budget = Budget(LearnConfig(time_limit_s=10.0), rss=lambda: 0.0, clock=lambda: now[0])
    now[0] = 30.0
    budget.rescue()
    now[0] = 30.9
    budget.check(1)
    now[0] = 31.1
    with pytest.raises(BudgetReached):
        budget.check(1)


def test_the_default_memory_budget_is_less_than_there_is() -> None:
    assert 0 < memory_limit_mib(LearnConfig()) < memory_there_is_mib()
    assert memory_limit_mib(LearnConfig(max_memory_mib=7.0)) == 7.0


def test_an_allocation_beyond_the_fence_fails() -> None:
    """In a process of its own: what was not used before is not given by an allocator from its stock."""
    code = (
        "import numpy as np\nfrom bsdgen.learn import fence\nfrom bsdgen.learn.budget import rss_mib\n"
        "with fence(rss_mib() + 300):\n"
        "    np.ones(100 << 17)\n"
        "    try:\n        np.ones(600 << 17)\n        print('no fence')\n"
        "    except MemoryError:\n        print('fence')\n"
        "np.ones(600 << 17)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "fence\n"
