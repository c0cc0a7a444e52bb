"""The learner on wider functions: sizes, rare events, guards that are functions."""

import numpy as np
import pytest
from small_oracles import FieldOracle, Fields, Words, learn

from bsdgen.bits import U64, pack_fields, unpack_fields
from bsdgen.learn import BsdLearner

ONE = np.uint64(1)


def wrong_rows(learner: BsdLearner, oracle: FieldOracle, rows: U64) -> int:
    outputs, care = oracle.query(rows)
    return int(((learner.bsd_.evaluate(rows) ^ outputs) & care).any(axis=1).sum())


def fresh(oracle: FieldOracle, n: int = 50_000) -> U64:
    """Rows from another seed than in learning; in half of them the first two words are equal or nearly so."""
    values = unpack_fields(Fields(oracle.widths_in).random(987, n), oracle.widths_in)
    if len(oracle.widths_in) > 1 and oracle.widths_in[0] == oracle.widths_in[1]:
        rng = np.random.default_rng(5)
        flip = ONE << rng.integers(0, 64, n // 2).astype(np.uint64)
        values[1, ::2] = values[0, ::2] ^ np.where(rng.random(n // 2) < 0.5, flip, np.uint64(0))
    return pack_fields(values, oracle.widths_in)


def equal(a: U64, b: U64) -> Words:
    return ((a == b).astype(np.uint64),)


@pytest.mark.parametrize("width", [32, 64])
def test_adder_is_linear(width: int) -> None:
    """At most 9 nodes a bit; another implementation of the method needs 278 for 32 bits."""
    oracle = FieldOracle([width, width], [width], lambda a, b: (a + b,))
    learner = learn(oracle)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes <= 9 * width


def test_one_context_is_not_enough_for_two_circuits() -> None:
    """Adding or subtracting by a mode bit: the mode is found, and sizes add up instead of multiplying."""

    def either(mode: U64, a: U64, b: U64) -> Words:
        return (np.where(mode.astype(np.bool_), a - b, a + b),)

    oracle = FieldOracle([1, 32, 32], [32], either)
    learner = learn(oracle)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes <= 586  # what another implementation of the method needs


def test_an_output_that_counts_in_one_half_only() -> None:
    """Where a context does not care, the other half's function is taken without a node to choose."""

    def either(mode: U64, a: U64, b: U64) -> Words:
        return np.where(mode.astype(np.bool_), a - b, a + b), np.where(mode.astype(np.bool_), a ^ b, a * b)

    def care(mode: U64, a: U64, b: U64) -> Words:
        return np.full_like(a, ~np.uint64(0)), np.where(mode.astype(np.bool_), ~np.uint64(0), np.uint64(0))

    oracle = FieldOracle([1, 32, 32], [32, 32], either, care)
    learner = learn(oracle)
    assert learner.stats_.n_contexts >= 2
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes <= 586


def test_four_functions() -> None:
    def unit(select: U64, a: U64, b: U64) -> Words:
        less = (a < b).astype(np.uint64)
        return (np.choose(select.astype(np.int64), [a + b, a - b, a & b, less]),)

    oracle = FieldOracle([2, 16, 16], [16], unit)
    learner = learn(oracle)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.stats_.n_contexts >= 2 and learner.bsd_.n_nodes <= 400


def test_barrel_shifter() -> None:
    oracle = FieldOracle([5, 32], [32], lambda s, a: (a << s,))
    learner = learn(oracle)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes <= 192


def test_many_words_in_and_out() -> None:
    oracle = FieldOracle([64, 7, 64], [64, 9, 64], lambda a, b, c: (a & c, b, a ^ c))
    learner = learn(oracle)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes == 128


@pytest.mark.parametrize("rows", ["equal ones", "others", "none"])
@pytest.mark.parametrize("width", [16, 32])
def test_equal_words(width: int, rows: str) -> None:
    """One pair in 2 ** width is equal: recorded rows show it, or the learner's own rows must find it."""
    oracle = FieldOracle([width, width], [1], equal)
    words = np.random.default_rng(1).integers(0, 1 << width, (2, 400), np.uint64)
    recorded = None if rows == "none" else pack_fields(words, oracle.widths_in)
    if rows == "equal ones":
        recorded = np.concatenate([recorded, pack_fields(words[[0, 0]], oracle.widths_in)])
    learner = learn(oracle, recorded)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.bsd_.n_nodes <= 3 * width


@pytest.mark.parametrize("where", [0, 199])
def test_a_row_that_only_the_record_shows(where: int) -> None:
    """One assignment in 2 ** 30 is special: no fresh row finds it, one recorded row does."""
    point = np.uint64(0x25A5A5A5)
    oracle = FieldOracle([30], [1], lambda a: ((a == point).astype(np.uint64),))
    recorded = Fields([30]).random(2, 200)
    recorded[where, 0] = point
    learner = learn(oracle, recorded)
    assert wrong_rows(learner, oracle, recorded) == 0
    near = np.array([[point], *([point ^ ONE << np.uint64(i)] for i in range(30))])
    assert wrong_rows(learner, oracle, near) == 0


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("test", [np.equal, np.less])
def test_guard_that_is_a_function(test: np.ufunc, recorded: bool) -> None:
    """Two circuits selected by comparing two words: these act through one bit, and a node is the guard."""

    def guarded(a: U64, b: U64, x: U64, y: U64) -> Words:
        return (np.where(test(a, b), x + y, x - y),)

    oracle = FieldOracle([12, 12, 32, 32], [32], guarded)
    values = unpack_fields(Fields(oracle.widths_in).random(3, 1000), oracle.widths_in)
    values[1, ::2] = values[0, ::2]
    learner = learn(oracle, pack_fields(values, oracle.widths_in) if recorded else None)
    assert wrong_rows(learner, oracle, fresh(oracle)) == 0
    assert learner.stats_.n_guards >= 1
    assert (learner.bsd_.guard >> 1 > learner.bsd_.n_inputs).any()
    assert learner.bsd_.n_nodes <= 9 * 32 + 3 * 32 + 3 * 12


@pytest.mark.parametrize("switch", ["contexts", "function_guards"])
def test_conditional_increment_in_any_way(switch: str) -> None:
    oracle = FieldOracle([8, 8, 16], [16], lambda a, b, x: (np.where(a == b, x + ONE, x),))
    sizes = []
    for on in (True, False):
        learner = learn(oracle, **{switch: on})
        assert wrong_rows(learner, oracle, fresh(oracle)) == 0
        sizes.append(learner.bsd_.n_nodes)
    assert sizes[0] <= min(150, 2 * sizes[1])
