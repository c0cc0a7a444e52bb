"""The learner on functions small enough to compare on every row."""

import itertools

import numpy as np
import pytest
from small_oracles import Bools, FieldOracle, TableOracle, Words, every_row, learn

from bsdgen.bits import U64
from bsdgen.learn import BsdLearner

ONE = np.uint64(1)
ALL = ~np.uint64(0)


def exact(learner: BsdLearner, oracle: TableOracle | FieldOracle) -> None:
    """Right on every row and every bit that is cared for."""
    rows = every_row(oracle.n_inputs)
    outputs, care = oracle.query(rows)
    wrong = (learner.bsd_.evaluate(rows) ^ outputs) & care
    assert not wrong.any(), f"{int(wrong.any(axis=1).sum())} of {len(rows)} rows wrong"


def random_table(seed: int, n_inputs: int, n_outputs: int, ones: float = 0.5) -> Bools:
    return np.random.default_rng(seed).random((1 << n_inputs, n_outputs)) < ones


@pytest.mark.parametrize("with_rows", [False, True])
@pytest.mark.parametrize("n_inputs", range(1, 11))
def test_random_functions(n_inputs: int, with_rows: bool) -> None:
    oracle = TableOracle(random_table(n_inputs, n_inputs, 5))
    rows = every_row(n_inputs)[:: max(1, 2**n_inputs // 20)] if with_rows else None
    exact(learn(oracle, rows), oracle)


@pytest.mark.parametrize("ones", [0.002, 0.02, 0.98])
def test_sparse_functions(ones: float) -> None:
    oracle = TableOracle(random_table(7, 9, 4, ones))
    exact(learn(oracle), oracle)


def test_all_functions_of_two_variables() -> None:
    """As sixteen outputs of one function: six are no node, the other ten are five and their complements."""
    table = np.array([[t >> r & 1 for t in range(16)] for r in range(4)], np.bool_)
    learner = learn(TableOracle(table))
    exact(learner, TableOracle(table))
    assert learner.bsd_.n_nodes == 5  # four ANDs of literals up to complement, and one XOR


@pytest.mark.parametrize("pair", list(itertools.product([0, 1], repeat=2)))
def test_constants(pair: tuple[int, int]) -> None:
    oracle = TableOracle(np.tile(np.array(pair, np.bool_), (8, 1)))
    learner = learn(oracle)
    assert learner.bsd_.n_nodes == 0 and learner.bsd_.roots.tolist() == list(pair)


def test_copies_and_complements_cost_nothing() -> None:
    table = random_table(3, 5, 1)
    one, five = (
        learn(TableOracle(table)),
        learn(TableOracle(np.hstack([table, ~table, table, table, ~table]))),
    )
    exact(five, TableOracle(np.hstack([table, ~table, table, table, ~table])))
    root = int(five.bsd_.roots[0])
    assert five.bsd_.roots.tolist() == [root, root ^ 1, root, root, root ^ 1]
    assert five.bsd_.n_nodes == one.bsd_.n_nodes


def test_inputs_passed_on_are_variables() -> None:
    oracle = FieldOracle([3, 64, 3], [64, 6], lambda a, b, c: (b, a | c << np.uint64(3)))
    learner = learn(oracle)
    bits = [*range(3, 67), 0, 1, 2, 67, 68, 69]
    assert learner.bsd_.n_nodes == 0 and learner.bsd_.roots.tolist() == [2 * (1 + bit) for bit in bits]


def test_no_outputs() -> None:
    learner = learn(TableOracle(np.zeros((8, 0), np.bool_)))
    assert (learner.bsd_.n_inputs, learner.bsd_.n_outputs, learner.bsd_.n_nodes) == (3, 0, 0)


def test_inputs_that_do_not_matter() -> None:
    oracle = FieldOracle([4, 30, 4, 30], [4], lambda a, b, c, d: (a & c,))
    learner = learn(oracle)
    assert learner.bsd_.n_nodes == 4
    root_support = learner.bsd_.supports()[learner.bsd_.roots >> 1].any(axis=0)
    assert np.flatnonzero(root_support).tolist() == [0, 1, 2, 3, 34, 35, 36, 37]


@pytest.mark.parametrize("seed", range(3))
def test_cared_bits_are_right(seed: int) -> None:
    """What nobody cares for may come out as it likes; the rest is exact."""
    n = 4 + 2 * seed
    oracle = TableOracle(random_table(seed, n, 4), random_table(seed + 50, n, 4))
    exact(learn(oracle), oracle)


def test_outputs_that_nobody_cares_for_cost_nothing() -> None:
    table, care = random_table(1, 8, 3), np.ones((256, 3), np.bool_)
    care[:, 1:] = False
    learner = learn(TableOracle(table, care))
    exact(learner, TableOracle(table, care))
    assert learner.bsd_.n_nodes == learn(TableOracle(table[:, :1])).bsd_.n_nodes


def test_mostly_uncared() -> None:
    """An output that counts on one row in 256 is right there."""
    table, care = random_table(1, 8, 2), np.ones((256, 2), np.bool_)
    care[:, 0] = np.arange(256) == 77
    oracle = TableOracle(table, care)
    exact(learn(oracle), oracle)


def shift_left(s: U64, a: U64) -> Words:
    return (a << s,)


def add_or_subtract(mode: U64, a: U64, b: U64) -> Words:
    return (np.where(mode.astype(np.bool_), a - b, a + b),)


def compare(a: U64, b: U64) -> Words:
    return (a < b).astype(np.uint64), (a == b).astype(np.uint64), (a > b).astype(np.uint64)


def counts(a: U64) -> Words:
    ones = np.bitwise_count(a).astype(np.uint64)
    return ones & ONE, (ones > 5).astype(np.uint64), ones


def hidden_weighted_bit(a: U64) -> Words:
    ones = np.bitwise_count(a).astype(np.uint64)
    return (np.where(ones == 0, np.uint64(0), a >> (np.maximum(ones, ONE) - ONE) & ONE),)


# The bound is some way above what a good shared order gives, far below what a wrong one costs.
CIRCUITS = {
    "parity, majority, count": (FieldOracle([10], [1, 1, 4], counts), 80),
    "decoder": (FieldOracle([5], [32], lambda a: (ONE << a,)), 70),
    "multiplexer": (FieldOracle([3, 8], [1], lambda s, a: (a >> s & ONE,)), 25),
    "comparator": (FieldOracle([8, 8], [1, 1, 1], compare), 60),
    "adder": (FieldOracle([8, 8], [9], lambda a, b: (a + b,)), 60),
    "add or subtract": (FieldOracle([1, 8, 8], [8], add_or_subtract), 110),
    "barrel shifter": (FieldOracle([3, 8], [8], shift_left), 40),
    "hidden weighted bit": (FieldOracle([10], [1], hidden_weighted_bit), 130),
    "multiplier": (FieldOracle([4, 4], [8], lambda a, b: (a * b,)), 330),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits(name: str) -> None:
    oracle, most_nodes = CIRCUITS[name]
    learner = learn(oracle)
    exact(learner, oracle)
    assert learner.bsd_.n_nodes <= most_nodes


@pytest.mark.parametrize("switch", ["contexts", "function_guards", "merging"])
@pytest.mark.parametrize("name", ["add or subtract", "random"])
def test_every_part_can_be_left_out(switch: str, name: str) -> None:
    oracle = (
        TableOracle(random_table(9, 7, 4))
        if name == "random"
        else FieldOracle([1, 5, 5], [5], add_or_subtract)
    )
    learner = learn(oracle, **{switch: False})
    exact(learner, oracle)
    if switch == "contexts":
        assert learner.stats_.n_contexts == 1
    if switch == "merging":
        assert learner.stats_.n_functions > learn(oracle).stats_.n_functions
