"""All kinds of functions: many inputs of which few matter, many outputs, none, symmetric ones, decoders."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from small_oracles import Bools, TableOracle, small_config

from bsdgen.bits import U64, from_bool, n_words
from bsdgen.learn import BsdLearner

PICK = np.random.default_rng(0).permutation(2000)


class BitOracle:
    """A function of some of many inputs: it gets those, bool (n, k), and gives bool (n, n_outputs)."""

    def __init__(
        self, n_inputs: int, used: NDArray[np.int64], n_outputs: int, function: Callable[[Bools], Bools]
    ) -> None:
        self.n_inputs, self.n_outputs, self.used, self.function = n_inputs, n_outputs, used, function

    def query(self, inputs: U64) -> tuple[U64, U64]:
        assert inputs.shape[1] == n_words(self.n_inputs)
        bits = (inputs[:, self.used >> 6] >> (self.used & 63).astype(np.uint64)) & np.uint64(1)
        outputs = from_bool(np.ascontiguousarray(self.function(bits.astype(np.bool_))))
        care = from_bool(np.ones((1, self.n_outputs), np.bool_))
        return outputs, np.repeat(care, inputs.shape[0], axis=0)


def number(bits: Bools) -> NDArray[np.uint64]:
    return (bits * (np.uint64(1) << np.arange(bits.shape[1], dtype=np.uint64))).sum(axis=1, dtype=np.uint64)


def bits_of(values: NDArray[np.uint64], n: int) -> Bools:
    return ((values[:, None] >> np.arange(n, dtype=np.uint64)) & np.uint64(1)).astype(np.bool_)


def total(bits: Bools) -> Bools:
    half = bits.shape[1] // 2
    return bits_of(number(bits[:, :half]) + number(bits[:, half:]), half)


def selected(bits: Bools) -> Bools:
    return bits[np.arange(len(bits)), 4 + number(bits[:, :4]).astype(np.int64)][:, None]


def one_hot(bits: Bools) -> Bools:
    return number(bits)[:, None] == np.arange(1 << bits.shape[1], dtype=np.uint64)


def first_one(bits: Bools) -> Bools:
    at = np.where(bits.any(axis=1), bits.argmax(axis=1), bits.shape[1])
    return bits_of(at.astype(np.uint64), 6)


def all_of(n: int) -> NDArray[np.int64]:
    return np.arange(n)


ORACLES: dict[str, tuple[BitOracle, int]] = {
    "parity of 12 of 2,000": (
        BitOracle(2000, PICK[:12], 1, lambda b: b.sum(axis=1)[:, None] % 2 == 1),
        12,
    ),
    "multiplexer among 2,000": (BitOracle(2000, PICK[:20], 1, selected), 80),
    "adder among 2,000": (BitOracle(2000, PICK[:16], 8, total), 60),
    "majority of 31": (BitOracle(31, all_of(31), 1, lambda b: b.sum(axis=1)[:, None] > 15), 300),
    "parity of 64": (BitOracle(64, all_of(64), 1, lambda b: b.sum(axis=1)[:, None] % 2 == 1), 64),
    "at least 12 of 40": (BitOracle(40, all_of(40), 1, lambda b: b.sum(axis=1)[:, None] >= 12), 900),
    "decoder of 8": (BitOracle(8, all_of(8), 256, one_hot), 800),
    "priority encoder of 32": (BitOracle(32, all_of(32), 6, first_one), 260),
    "one input, 70 outputs": (BitOracle(1, np.zeros(70, np.int64), 70, lambda b: b), 0),
}


@pytest.mark.parametrize("name", ORACLES)
def test_functions(name: str) -> None:
    """Right on fresh rows of its own inputs, and of a size that its kind of function has."""
    oracle, most_nodes = ORACLES[name]
    learner = BsdLearner(small_config(n_check=1 << 16)).fit(oracle)
    rows = from_bool(np.random.default_rng(77).random((3000, oracle.n_inputs)) < 0.5)
    outputs, care = oracle.query(rows)
    assert not ((learner.bsd_.evaluate(rows) ^ outputs) & care).any()
    assert learner.bsd_.n_nodes <= most_nodes


def test_no_inputs() -> None:
    """Constants of nothing."""
    oracle = TableOracle(np.array([[False, True]]))
    learner = BsdLearner(small_config()).fit(oracle)
    assert learner.bsd_.evaluate(np.zeros((3, 0), np.uint64)).tolist() == [[2], [2], [2]]
    assert learner.bsd_.n_nodes == 0


def test_a_thousand_outputs_of_few_functions() -> None:
    """Copies and complements of each other: one diagram for all."""
    rng = np.random.default_rng(3)
    of, flip = rng.integers(0, 5, 1000), rng.random(1000) < 0.5

    def copies(bits: Bools) -> Bools:
        base = np.stack([bits[:, i] & bits[:, i + 1] ^ bits[:, i + 2] for i in range(5)], axis=1)
        return base[:, of] ^ flip

    oracle = BitOracle(12, all_of(12), 1000, copies)
    learner = BsdLearner(small_config(n_check=1 << 14)).fit(oracle)
    rows = from_bool(rng.random((500, 12)) < 0.5)
    assert np.array_equal(learner.bsd_.evaluate(rows), oracle.query(rows)[0])
    assert learner.bsd_.n_nodes <= 15


@pytest.mark.parametrize("name", ["adder among 2,000", "majority of 31", "decoder of 8"])
def test_the_same_whatever_the_threads(name: str) -> None:
    """1, 2 and more threads than there are cores."""
    runs = [BsdLearner(small_config(n_check=1 << 14, jobs=jobs)).fit(ORACLES[name][0]) for jobs in (1, 2, 64)]
    first = runs[0]
    for run in runs[1:]:
        for array in ("guard", "low", "high", "roots"):
            assert np.array_equal(getattr(run.bsd_, array), getattr(first.bsd_, array))
        assert run.stats_.oracle_queries == first.stats_.oracle_queries
        assert all(np.array_equal(run.ledger_[key], first.ledger_[key]) for key in first.ledger_)
