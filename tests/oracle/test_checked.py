import sys

import numpy as np
import pytest

from bsdgen.errors import InputError, OracleError
from bsdgen.oracle import checked
from bsdgen.oracle.checked import CheckedOracle

_ONES = np.array([2**64 - 1, 63], np.uint64)  # 70 bits


class Inverter:
    """70 inputs, 70 outputs, each the complement of its input; `answer` may be replaced."""

    n_inputs = n_outputs = 70
    name = "inverter"

    def __init__(self, answer=None):
        self.answer = answer or self.right
        self.n_asked = 0

    @staticmethod
    def right(inputs):
        return inputs ^ _ONES, np.zeros_like(inputs) | _ONES

    def query(self, inputs):
        self.n_asked += len(inputs)
        return self.answer(inputs)


def _questions(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**64, (n, 2), dtype=np.uint64) & _ONES


def test_rows_of_the_user_are_counted_and_the_checks_are_cheap():
    inner = Inverter()
    oracle = CheckedOracle(inner)
    for call in range(50):
        oracle.query(_questions(1000, call))
    assert oracle.n_queries == 50_000
    assert inner.n_asked - oracle.n_queries == 64


@pytest.mark.parametrize("n_calls,n_rows,n_again", [(256, 1, 2), (3, 1 << 15, 2), (512, 1, 3)])
def test_earlier_rows_are_asked_again_now_and_then(n_calls, n_rows, n_again):
    inner = Inverter(lambda inputs: (np.zeros_like(inputs), np.zeros_like(inputs)))
    oracle = CheckedOracle(inner)
    questions = np.zeros((n_rows, 2), np.uint64)
    for _ in range(n_calls):
        oracle.query(questions)
    assert inner.n_asked - n_calls * n_rows == n_again * min(64, n_rows)


def _leaves(inputs):
    sys.exit(0)


def _not_a_number(inputs):
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    "answer,said",
    [
        (lambda inputs: inputs, r"returned ndarray, expected the tuple"),
        (lambda inputs: (inputs, inputs, inputs), r"returned tuple, expected the tuple"),
        (lambda inputs: (inputs[:3], inputs), r"outputs are uint64 \(3, 2\), expected uint64 \(8, 2\)"),
        (lambda inputs: (inputs, inputs[:, :1]), r"care are uint64 \(8, 1\), expected uint64 \(8, 2\)"),
        (lambda inputs: (inputs.astype(np.int64), inputs), r"outputs are int64"),
        (lambda inputs: (inputs.tolist(), inputs), r"outputs are list"),
        (lambda inputs: (inputs | np.uint64(64), inputs), r"bits above the 70 outputs, first in row 0"),
        (_not_a_number, r"raised ZeroDivisionError: division by zero, asked 8 rows"),
        (_leaves, r"raised SystemExit: 0, asked 8 rows"),
    ],
)
def test_malformed_answers_and_exceptions_are_oracle_errors(answer, said):
    with pytest.raises(OracleError, match=rf"oracle inverter: .*{said}"):
        CheckedOracle(Inverter(answer)).query(_questions(8))


def test_an_interrupt_passes_through_and_an_error_of_ours_stays_itself():
    def interrupted(inputs):
        raise KeyboardInterrupt

    def refused(inputs):
        raise InputError("not today")

    with pytest.raises(KeyboardInterrupt):
        CheckedOracle(Inverter(interrupted)).query(_questions(8))
    with pytest.raises(InputError, match=r"^not today$"):
        CheckedOracle(Inverter(refused)).query(_questions(8))


def test_randomness_is_found_at_the_first_question():
    rng = np.random.default_rng(0)

    def noisy(inputs):
        outputs, care = Inverter.right(inputs)
        outputs[:, 1] ^= rng.integers(0, 2, len(inputs), dtype=np.uint64) << np.uint64(3)
        return outputs, care

    names = [f"q[{bit}]" for bit in range(70)]
    with pytest.raises(
        OracleError, match=r"inverter: is not deterministic.*q\[67\] first [01], then [01].*clock"
    ):
        CheckedOracle(Inverter(noisy), output_names=names).query(_questions(100))


def test_dependence_on_the_neighbours_is_found():
    def smeared(inputs):
        outputs, care = Inverter.right(inputs)
        outputs[1:, 0] ^= outputs[:-1, 0] & np.uint64(1)
        return outputs, care

    with pytest.raises(OracleError, match=r"not deterministic.*output bit 0"):
        CheckedOracle(Inverter(smeared)).query(_questions(100))


def test_a_change_of_the_care_mask_is_found():
    calls = []

    def moody(inputs):
        calls.append(1)
        outputs, care = Inverter.right(inputs)
        care[:, 0] ^= np.uint64(len(calls))
        return outputs, care

    with pytest.raises(OracleError, match="not deterministic"):
        CheckedOracle(Inverter(moody)).query(_questions(10))


def test_uncared_bits_may_change():
    calls = []

    def careless(inputs):
        calls.append(1)
        outputs, care = Inverter.right(inputs)
        outputs[:, 0] ^= np.uint64(len(calls))
        care[:, 0] &= ~np.uint64(7)
        return outputs, care

    inputs = _questions(10)
    outputs, care = CheckedOracle(Inverter(careless)).query(inputs)
    assert len(calls) == 2
    assert np.array_equal(outputs & care, (inputs ^ _ONES) & care)


def test_a_later_change_of_mind_is_found(monkeypatch):
    monkeypatch.setattr(checked, "_CALLS_BETWEEN", 5)
    calls = []

    def forgetful(inputs):
        calls.append(1)
        outputs, care = Inverter.right(inputs)
        outputs[:, 0] ^= np.uint64(len(calls) > 4)
        return outputs, care

    oracle = CheckedOracle(Inverter(forgetful))
    with pytest.raises(OracleError, match="not deterministic"):
        for call in range(10):
            oracle.query(_questions(10, call))
    assert len(calls) <= 8


@pytest.mark.parametrize("n_before", [1, 6])
def test_a_change_of_mind_after_the_last_sample_is_found_at_the_end(monkeypatch, n_before):
    """The rows of the first call are asked again too, however long ago that was."""
    monkeypatch.setattr(checked, "_CALLS_BETWEEN", 5)
    late = []
    changed = _questions(10, 0)[4]

    def forgetful(inputs):
        outputs, care = Inverter.right(inputs)
        outputs[(inputs == changed).all(axis=1), 1] ^= np.uint64(len(late))
        return outputs, care

    oracle = CheckedOracle(Inverter(forgetful))
    oracle.recheck()  # nothing was asked yet
    for call in range(n_before):
        oracle.query(_questions(10, call))
    oracle.recheck()
    late.append(1)
    with pytest.raises(OracleError, match="not deterministic, 1 of 10"):
        oracle.recheck()
    assert oracle.n_queries == 10 * n_before


def test_recorded_rows_say_nothing_about_what_the_oracle_does_not_care_for():
    def half(inputs):
        outputs, care = Inverter.right(inputs)
        care[:, 0] = 0
        return outputs, care

    inputs = _questions(50)
    outputs, care = Inverter.right(inputs)
    outputs[3, 0] ^= np.uint64(1)
    assert CheckedOracle(Inverter(half)).check_rows(inputs, outputs, care) == 0
    outputs[3, 1] ^= np.uint64(1)
    assert CheckedOracle(Inverter(half)).check_rows(inputs, outputs, care) == 1


def test_recorded_rows_hold_the_oracle_to_account():
    oracle = CheckedOracle(Inverter(), output_names=[f"q[{bit}]" for bit in range(70)])
    inputs = _questions(50)
    outputs, care = Inverter.right(inputs)
    oracle.check_recorded(inputs, outputs, care)
    assert oracle.check_rows(inputs, outputs, care) == 0
    assert oracle.n_queries == 0
    outputs[7, 1] ^= np.uint64(4)
    outputs[9, 0] ^= np.uint64(1)
    assert oracle.check_rows(inputs, outputs, care) == 2
    message = (
        r"contradicts 2 of 50 recorded rows; first row 7: q\[66\] recorded [01], oracle [01] for the packed"
    )
    with pytest.raises(OracleError, match=message):
        oracle.check_recorded(inputs, outputs, care)
    care[7, 1] ^= np.uint64(4)
    care[9, 0] ^= np.uint64(1)
    oracle.check_recorded(inputs, outputs, care)


def test_an_oracle_that_changes_its_questions_is_refused():
    def careless(inputs):
        inputs[:, 0] ^= np.uint64(1)
        return Inverter.right(inputs)

    with pytest.raises(OracleError, match="changed the array of questions"):
        CheckedOracle(Inverter(careless)).query(_questions(1000))


def test_an_oracle_that_answers_in_the_same_memory_again():
    """Without copies the first answer would be the last one."""
    memory = np.zeros((1000, 2), np.uint64)

    def thrifty(inputs):
        answer = memory[: len(inputs)]
        answer[:] = inputs ^ _ONES
        return answer, np.zeros_like(inputs) | _ONES

    oracle = CheckedOracle(Inverter(thrifty))
    questions = [_questions(1000, seed) for seed in range(4)]
    answers = [oracle.query(rows)[0] for rows in questions]
    for rows, answer in zip(questions, answers, strict=True):
        assert np.array_equal(answer, rows ^ _ONES)


def test_an_oracle_that_answers_with_its_question():
    oracle = CheckedOracle(Inverter(lambda inputs: (inputs, inputs | _ONES)))
    for seed in range(3):
        rows = _questions(100, seed)
        answer, _ = oracle.query(rows)
        before = rows.copy()
        rows[:] = 0
        assert np.array_equal(answer, before)


@pytest.mark.parametrize("make", [lambda a: a[::-1][::-1], np.asfortranarray, lambda a: a.copy()])
def test_read_only_and_strided_answers_are_taken(make):
    def answer(inputs):
        pair = [make(array) for array in Inverter.right(inputs)]
        for array in pair:
            array.flags.writeable = False
        return tuple(pair)

    oracle = CheckedOracle(Inverter(answer))
    rows = _questions(500)
    outputs, care = oracle.query(rows)
    assert np.array_equal(outputs, rows ^ _ONES) and outputs.flags.c_contiguous and care.flags.c_contiguous


def test_a_rare_slip_is_found():
    """One answer in a few thousand is wrong, another one each time."""
    rng = np.random.default_rng(5)

    def slips(inputs):
        outputs, care = Inverter.right(inputs)
        outputs[rng.random(len(inputs)) < 3e-4, 1] ^= np.uint64(4)
        return outputs, care

    oracle = CheckedOracle(Inverter(slips))
    with pytest.raises(OracleError, match="not deterministic"):
        for call in range(400):
            oracle.query(_questions(1 << 16, call))
