from dataclasses import replace

import numpy as np
import pytest

from bsdgen.bench.demo import DemoResult, DemoRow, chosen, demo_problem, run_demo
from bsdgen.bench.specification import demo_specification, prove_demo
from bsdgen.bench.tables import bars_table, demo_table, proof
from bsdgen.bench.trial import Plan, Trial, trial
from bsdgen.bench.words import DEMO, N_SELECT, WIDTHS, DemoOracle
from bsdgen.bits import pack_fields
from bsdgen.errors import UsageError
from bsdgen.learn import LearnConfig

SMALL = LearnConfig(n_bank=1024, n_sensitivity=64, n_check=1 << 15, time_limit_s=60)


def rows_of(rng: np.random.Generator, width: int, n: int) -> np.ndarray:
    ones = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - width)
    words = rng.integers(0, 2**64, (2, n), np.uint64, endpoint=False) & ones
    words[1, : n // 4] = words[0, : n // 4]
    select = rng.integers(0, 1 << N_SELECT, (1, n), np.uint64)
    return pack_fields(np.concatenate([words, select]), [width, width, N_SELECT])


def in_python(number: int, a: int, b: int, s: int, width: int) -> int:
    """A third opinion, on whole numbers."""
    signed = [x - (1 << width) if x >> width - 1 else x for x in (a, b)]
    amount = b % width
    alu = [a + b, a << amount, int(a < b), a & b]
    values = [
        a, a + b, a + b, a - b, a - b, a << amount, a >> amount, int(a < b), int(signed[0] < signed[1]),
        a & b, a | b, a ^ b, 3 * a + b, -(a + b), a + 4, 11 * a + 5 * b + 4, a - b if s & 1 else a + b,
        a - b if s & 1 else a + b, alu[s & 3],
    ]  # fmt: skip
    return values[number] % (1 << width)


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("number", range(len(DEMO)))
def test_oracle_specification_and_python_agree(number: int, width: int) -> None:
    rows = rows_of(np.random.default_rng(number), width, 500)
    said, care = DemoOracle(number, width).query(rows)
    assert (care == np.uint64(2**width - 1)).all()
    assert (said == demo_specification(number, width).evaluate(rows)).all()
    for row, value in zip(rows, said[:, 0], strict=True):
        bits = sum(int(word) << 64 * at for at, word in enumerate(row))
        a, b, s = bits % 2**width, (bits >> width) % 2**width, bits >> 2 * width
        assert int(value) == in_python(number, a, b, s, width)


def test_threads_change_nothing() -> None:
    rows = rows_of(np.random.default_rng(0), 32, 20_000)
    oracle = DemoOracle(18)
    parts = [oracle.query(rows[first : first + 1000])[0] for first in range(0, 20_000, 1000)]
    assert (oracle.query(rows)[0] == np.concatenate(parts)).all()


def test_numbers_and_widths_are_checked() -> None:
    with pytest.raises(ValueError, match="number must be 0 to 18"):
        DemoOracle(19)
    with pytest.raises(ValueError, match="width one of"):
        DemoOracle(1, 12)
    assert 12 not in WIDTHS
    assert [function.number for function in chosen("7,15")] == [7, 15]
    for text in ("19", "-1", "a", ""):
        with pytest.raises(UsageError, match="--only"):
            chosen(text)


def test_a_learned_function_is_proved() -> None:
    found = trial(demo_problem(1, 8), Plan(SMALL, optimise_rounds=1))
    assert found.learned and found.proved
    assert found.nodes and found.ands and found.ands_optimised and found.ands_optimised <= found.ands
    assert found.errors == 0 and found.checked > 100_000 and found.upper < 1e-4
    assert found.cpu_s > 0 and found.queries and found.queries > 1000


def test_a_wrong_specification_is_disproved() -> None:
    problem = replace(demo_problem(1, 8), prove=demo_problem(3, 8).prove)
    found = trial(problem, Plan(SMALL))
    assert found.learned and found.proved is False
    assert found.disproof.startswith("y[")
    assert proof(found) == "NO"


@pytest.mark.slow
def test_what_cannot_be_learned_in_time_is_said_and_the_next_is_learned() -> None:
    config = replace(SMALL, time_limit_s=0.01)
    result = run_demo(chosen("15,9"), width=8, config=config)
    assert [row.trial.learned for row in result.rows] == [False, False]
    assert "time limit" in result.rows[0].trial.reason
    again = run_demo(chosen("9"), width=8, config=SMALL)
    assert again.rows[0].exact and again.warm_up_s > 0


def a_row(number: int, **trial: object) -> DemoRow:
    known = {"learned": True, "proved": True, "cpu_s": 0.1, "nodes": 10} | trial
    function = DEMO[number]
    found = Trial(name="x", **known)  # type: ignore[arg-type]
    return DemoRow(number, function.text, found, function.peer_cpu_s, function.peer_nodes, 1.0)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"proved": False}, [0]),
        ({"proved": None}, [0]),
        ({"learned": False, "nodes": None}, [0, 3]),
        ({"cpu_s": 0.14}, [2]),
        ({"cpu_s": 8.0}, [1, 2]),
        ({"nodes": 68}, [3]),
        ({"nodes": 66, "variables": 2}, [3]),
        ({"nodes": 66, "variables": 1}, []),
    ],
)
def test_bars(change: dict[str, object], missed: list[int]) -> None:
    rows = (*(a_row(number) for number in range(7)), a_row(7, **change), *(a_row(n) for n in range(8, 19)))
    bars = DemoResult(32, 0, rows, 1.0).bars
    assert [at for at, bar in enumerate(bars) if not bar.met] == missed
    assert bars_table(bars).text().count("NO") == len(missed)
    text = demo_table(DemoResult(32, 0, rows, 1.0))
    assert len(text.rows) == 19 and all(len(row) == len(text.head) for row in text.rows)


def test_function_15_has_its_own_bar() -> None:
    assert a_row(15).nodes_bar == 2000
    bars = DemoResult(32, 0, (a_row(15, nodes=2001),), 0.0).bars
    assert not bars[3].met


def test_proof_of_another_function_fails() -> None:
    assert prove_demo(9, 4, demo_specification(9, 4)).equal
    assert not prove_demo(9, 4, demo_specification(10, 4)).equal
