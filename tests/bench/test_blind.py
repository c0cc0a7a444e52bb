from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bsdgen.bench.blind import BlindResult, BlindRow, blind_problem, run_blind, wrapper_cost_s
from bsdgen.bench.demo import demo_problem
from bsdgen.bench.disguise import Disguise, DisguisedOracle, Mover, Recipe
from bsdgen.bench.trial import Plan, Trial, trial
from bsdgen.bench.words import DemoOracle
from bsdgen.bits import U64, from_bool, to_bool
from bsdgen.bsd import Bsd
from bsdgen.isa.step import step_packed
from bsdgen.learn import LearnConfig
from bsdgen.oracle.simulator import SimulatorOracle

SMALL = LearnConfig(n_bank=1024, n_sensitivity=64, n_check=1 << 15, time_limit_s=60)


def uniform(n: int, n_bits: int, seed: int = 0) -> U64:
    return from_bool(np.random.default_rng(seed).random((n, n_bits)) < 0.5)


@pytest.mark.parametrize("n_bits", [1, 7, 64, 65, 160])
@pytest.mark.parametrize("n", [3, 9000])
def test_bits_move_to_where_they_are_told(n: int, n_bits: int) -> None:
    rng = np.random.default_rng(n_bits)
    source = rng.permutation(n_bits)
    before, after = rng.random((2, n_bits)) < 0.5
    rows = uniform(n, n_bits)
    moved = to_bool(Mover(source, before, after)(rows), n_bits)
    assert (moved == ((to_bool(rows, n_bits) ^ before)[:, source] ^ after)).all()


def test_half_of_the_bits_are_inverted_and_all_are_moved_across() -> None:
    disguise = Disguise.draw(160, 152, Recipe(3))
    assert disguise.input_flip.sum() == 80 and disguise.output_flip.sum() == 76
    assert sorted(disguise.input_order) == list(range(160))
    assert (disguise.input_order == np.arange(160)).sum() < 10
    other = Disguise.draw(160, 152, Recipe(4))
    assert (other.input_order != disguise.input_order).any()
    permuted, inverted = (Disguise.draw(160, 152, Recipe(3, *how)) for how in ((True, False), (False, True)))
    assert (permuted.input_order == disguise.input_order).all() and not permuted.output_flip.any()
    assert (inverted.input_flip == disguise.input_flip).all()
    assert (inverted.output_order == np.arange(152)).all()


def test_a_disguised_oracle_says_the_same_in_other_bits() -> None:
    oracle = DisguisedOracle(SimulatorOracle(), Recipe(5))
    disguise = oracle.disguise
    plain = uniform(2000, 160)
    shown = disguise.rows(plain)
    bits = to_bool(plain, 160)[:, disguise.input_order] ^ disguise.input_flip
    assert (to_bool(shown, 160) == bits).all()
    outputs, care = (to_bool(side, 152) for side in oracle.query(shown))
    expected, expected_care = (to_bool(side, 152) for side in step_packed(plain))
    assert (outputs == expected[:, disguise.output_order] ^ disguise.output_flip).all()
    assert (care == expected_care[:, disguise.output_order]).all()


def test_a_diagram_loses_its_disguise() -> None:
    rng = np.random.default_rng(0)
    n_inputs, n_nodes = 12, 60
    top = 1 + n_inputs + np.arange(n_nodes)
    arrays = [(2 * rng.integers(0, top) + rng.integers(0, 2, n_nodes)).astype(np.int32) for _ in range(3)]
    roots = rng.integers(0, 2 * (1 + n_inputs + n_nodes), 9).astype(np.int32)
    roots[:2] = [2, 1]  # an input and a constant
    bsd = Bsd(n_inputs, *arrays, roots)
    disguise = Disguise.draw(n_inputs, 9, Recipe(1))
    plain = uniform(500, n_inputs)
    shown = to_bool(bsd.evaluate(disguise.rows(plain)), 9)
    found = to_bool(disguise.undo(bsd).evaluate(plain), 9)
    assert (shown == found[:, disguise.output_order] ^ disguise.output_flip).all()


@pytest.mark.slow
def test_plain_and_blind_are_both_proved() -> None:
    result = run_blind(
        demo_problem(1, 8), config=SMALL, recipes=(Recipe(1),), plain_seeds=(0, 1), optimise_rounds=1
    )
    assert [row.blind for row in result.rows] == [False, False, True]
    assert all(row.trial.learned and row.trial.proved and not row.trial.errors for row in result.rows)
    assert result.bars[0].met
    assert result.rows[2].wrapper_cpu_s > 0 == result.rows[0].wrapper_cpu_s
    nodes = [row.trial.nodes for row in result.rows]
    assert result.ratio(lambda row: row.trial.nodes) == pytest.approx(nodes[2] / np.median(nodes[:2]))


def test_another_disguise_taken_off_is_disproved() -> None:
    problem = blind_problem(demo_problem(1, 8), 26, 8, Recipe(1))
    wrong = replace(problem, restore=blind_problem(demo_problem(1, 8), 26, 8, Recipe(2)).restore)
    found = trial(wrong, Plan(SMALL))
    assert found.learned and found.proved is False and found.errors > 0


def a_run(blind: bool, **figures: float) -> BlindRow:
    known: dict[str, object] = {"nodes": 100, "ands_optimised": 200, "cpu_s": 10.0, "wall_s": 6.0}
    known |= {"learned": True, "proved": True} | figures
    return BlindRow(blind, 0, Trial(name="x", **known))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({"nodes": 110, "ands_optimised": 220, "cpu_s": 20.0, "wall_s": 12.0}, []),
        ({"nodes": 111}, [1]),
        ({"ands_optimised": 221}, [2]),
        ({"cpu_s": 20.1}, [3]),
        ({"wall_s": 12.1}, [4]),
        ({"proved": False}, [0]),
        ({"learned": False}, [0, 1, 2, 3, 4]),
        ({"ands_optimised": None}, [2]),
    ],
)
def test_bars(figures: dict[str, float], missed: list[int]) -> None:
    bars = BlindResult("x", (a_run(False), a_run(True, **figures))).bars
    assert [at for at, bar in enumerate(bars) if not bar.met] == missed


def test_without_a_plain_run_only_exactness_is_judged() -> None:
    assert [bar.text for bar in BlindResult("x", (a_run(True),)).bars] == ["proved exact"]


def test_the_wrapper_costs_something() -> None:
    assert 0 < wrapper_cost_s(partial(DemoOracle, 1, 8), Recipe()) < 1e-5
