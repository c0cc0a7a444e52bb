"""Oracles that contradict themselves, often or once in a while, and answers that are none."""

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, small_config

from bsdgen.bits import U64
from bsdgen.errors import OracleContradiction, OracleError
from bsdgen.learn import BsdLearner
from bsdgen.oracle.checked import CheckedOracle

ONE = np.uint64(1)


def adder(slip: float, after: int = 0) -> FieldOracle:
    """Wrong in one bit with probability `slip`, but only after so many rows."""
    rng, asked = np.random.default_rng(9), [0]

    def add(a: U64, b: U64) -> tuple[U64, ...]:
        asked[0] += len(a)
        total = a + b
        if asked[0] > after:
            total = np.where(rng.random(len(a)) < slip, total ^ ONE, total)
        return (total,)

    return FieldOracle([10, 10], [11], add)


@pytest.mark.parametrize(
    ("slip", "after", "wrapped"),
    [
        (0.5, 0, True),
        (1e-2, 0, True),
        (1e-4, 0, True),
        (1e-3, 400_000, True),
        (1e-4, 0, False),
        (1e-5, 0, False),
    ],
)
def test_an_oracle_that_contradicts_itself(slip: float, after: int, wrapped: bool) -> None:
    """Often or rarely, from the beginning or late; the learner's own check must find it even alone."""
    oracle = CheckedOracle(adder(slip, after)) if wrapped else adder(slip, after)
    with pytest.raises(OracleContradiction, match="not deterministic"):
        BsdLearner(small_config()).fit(oracle)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda n: (np.full((n, 1), np.nan), np.ones((n, 1), np.uint64)), "float64"),
        (lambda n: (np.ones((n, 1), np.float32), np.ones((n, 1), np.uint64)), "float32"),
        (lambda n: (np.ones((n, 1), np.int64), np.ones((n, 1), np.uint64)), "int64"),
        (lambda n: (np.ones(n, np.uint64), np.ones((n, 1), np.uint64)), "outputs"),
        (lambda n: (np.ones((n, 1), np.uint64), np.ones((n, 2), np.uint64)), "care"),
        (lambda n: (np.ones((n, 1), np.uint64), np.ones((n - 1, 1), np.uint64)), "care"),
        (lambda n: np.ones((n, 1), np.uint64), "tuple"),
        (lambda n: (np.full((n, 1), np.uint64(2)), np.ones((n, 1), np.uint64)), "bits above"),
        (lambda n: None, "NoneType"),
        (lambda n: 1 // 0, "ZeroDivisionError"),
    ],
)
def test_an_answer_that_is_none(answer: object, says: str) -> None:
    class Bad:
        n_inputs, n_outputs = 5, 1

        def query(self, inputs: U64) -> object:
            return answer(len(inputs))  # type: ignore[operator]

    learner = BsdLearner(small_config())
    with pytest.raises(OracleError, match=says):
        learner.fit(CheckedOracle(Bad()))  # type: ignore[arg-type]
    assert not hasattr(learner, "bsd_")


def test_an_oracle_that_fails_late() -> None:
    left = iter(range(30))

    def add(a: U64, b: U64) -> tuple[U64, ...]:
        if next(left, None) is None:
            raise OSError("the board was unplugged")
        return (a + b,)

    with pytest.raises(OracleError, match="the board was unplugged"):
        BsdLearner(small_config()).fit(CheckedOracle(FieldOracle([10, 10], [11], add)))


def test_rows_are_only_questions() -> None:
    """Recorded inputs that repeat are no contradiction: the oracle's answers count."""
    rows = np.repeat(Fields([10, 10]).random(1, 5), 40, axis=0)
    assert BsdLearner(small_config()).fit(adder(0.0), rows).stats_.finished
