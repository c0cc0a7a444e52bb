"""Circuits of words, exhaustively at four bits, and the library of word functions."""

from collections.abc import Callable
from math import isqrt

import numpy as np
import pytest

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.bench.iwls.features import Threshold, signed_digits
from bsdgen.bench.iwls.rows import Rows, accuracy, outputs
from bsdgen.bench.iwls.run import learn_words
from bsdgen.bench.iwls.words import LIBRARY, WordFunction, consistent, n_bits, numbers, orders
from bsdgen.circuit.aig import AigBuilder

WIDTH = 4
ALL = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(np.uint8)
X, Y = (ALL[:, :4] @ (1 << np.arange(4))).tolist(), (ALL[:, 4:] @ (1 << np.arange(4))).tolist()


def values(build: Callable[[AigBuilder, list[int], list[int]], list[int]]) -> list[int]:
    """The word that a circuit makes of each pair of four-bit words."""
    builder = AigBuilder(8)
    literals = [2 * (1 + i) for i in range(8)]
    word = build(builder, literals[:4], literals[4:])
    rows = Rows(ALL, np.zeros(256, np.uint8))
    bits = [outputs(builder.build([literal]), rows).astype(int) << i for i, literal in enumerate(word)]
    return sum(bits).tolist() if bits else []


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (at.add, lambda x, y: x + y),
        (lambda b, x, y: at.add(b, x, y[:2], 1), lambda x, y: x + y % 4 + 1),
        (at.subtract, lambda x, y: (x - y) % 32),
        (lambda b, x, y: [at.less(b, x, y)], lambda x, y: int(x < y)),
        (lambda b, x, y: [at.equal(b, x, y)], lambda x, y: int(x == y)),
        (lambda b, x, y: at.multiply(b, x, y, 8), lambda x, y: x * y),
        (lambda b, x, y: at.multiply(b, x, y, 5)[:4], lambda x, y: x * y % 16),
        (lambda b, x, y: at.divide(b, x, y)[0], lambda x, y: x // y if y else 15),
        (lambda b, x, y: at.divide(b, x, y)[1], lambda x, y: x % y if y else x),
        (lambda b, x, y: at.square_root(b, x + y), lambda x, y: isqrt(x + 16 * y)),
        (lambda b, x, y: at.square_root(b, x + y, 2)[2:], lambda x, y: isqrt(x + 16 * y) // 4),
        (lambda b, x, y: at.square_root(b, x + y[:1]), lambda x, y: isqrt(x + 16 * (y % 2))),
        (lambda b, x, y: at.popcount(b, x + y), lambda x, y: x.bit_count() + y.bit_count()),
        (lambda b, x, y: [at.table(b, x, [0, 1, 1, 0, 1])], lambda x, y: int(x in (1, 2, 4))),
        (lambda b, x, y: [at.at_least(b, x, 11)], lambda x, y: int(x >= 11)),
        (lambda b, x, y: [at.at_least(b, x, 16), at.at_least(b, x, 0)], lambda x, y: 2),
        (lambda b, x, y: [at.parity(b, x + y[:3])], lambda x, y: (x ^ y % 8).bit_count() % 2),
    ],
)
def test_circuits_compute_what_they_say(build, value) -> None:
    assert values(build) == [value(x, y) for x, y in zip(X, Y, strict=True)]


def test_a_short_quotient_is_right_where_its_upper_bits_are_0() -> None:
    found = values(lambda b, x, y: at.divide(b, x, y, 2)[0])
    for x, y, quotient in zip(X, Y, found, strict=True):
        if y and x // y < 4:
            assert quotient == x // y


@pytest.mark.parametrize("function", LIBRARY, ids=lambda function: function.name)
def test_the_library_s_circuits_are_its_numbers(function: WordFunction) -> None:
    order = next(iter(orders(8, function.n_words)))
    width = len(order.words[0])
    words = [numbers(ALL[:, list(word)]) for word in order.words]
    expected = [function.value(*word) for word in zip(*words, strict=True)]
    for bit in range(n_bits(function, width)):
        builder = AigBuilder(8)
        literal = function.circuit(builder, [[2 * (1 + i) for i in word] for word in order.words], bit, ())
        rows = Rows(ALL, np.array([value >> bit & 1 for value in expected], np.uint8))
        wrong = outputs(builder.build([literal]), rows) != rows.labels
        # By 0 the quotient is all ones, of which numbers have one more.
        assert not wrong[[word[-1] != 0 for word in zip(*words, strict=True)]].any(), bit


def drawn(width: int, value: Callable[[int, int], int], n: int = 600) -> Rows:
    """Random rows of two words, least significant bit first."""
    inputs = np.random.default_rng(5).integers(0, 2, (n, 2 * width), np.uint8)
    pairs = zip(numbers(inputs[:, :width]), numbers(inputs[:, width:]), strict=True)
    return Rows(inputs, np.array([value(x, y) & 1 for x, y in pairs], np.uint8))


def test_a_word_function_is_found_in_any_plain_order_and_refuted_by_one_row() -> None:
    rows = drawn(12, lambda x, y: x * y >> 9)
    (first, *_) = found = consistent(rows.inputs, rows.labels)
    assert {(one.function.name, one.bit, one.complement) for one in found} == {("a * b", 9, False)}
    assert accuracy(first.circuit(24, ()), rows) == 1
    mixed = np.empty_like(rows.inputs)
    mixed[:, 23::-2], mixed[:, 22::-2] = rows.inputs[:, :12], rows.inputs[:, 12:]
    names = {one.order.name for one in consistent(mixed, rows.labels ^ 1)}
    assert names == {"alternating, msb first", "alternating, msb first, swapped"}
    labels = rows.labels.copy()
    labels[-1] ^= 1
    assert not consistent(rows.inputs, labels)


@pytest.mark.parametrize(
    ("name", "value"),
    [("a / b", lambda x, y: x // y if y else -1), ("a % b", lambda x, y: x % y if y else x)],
)
def test_a_circuit_that_is_too_large_is_shortened(name: str, value: Callable[[int, int], int]) -> None:
    rows = drawn(40, value)
    whole = learn_words(rows, 100_000)
    short = learn_words(rows, 1500)
    assert whole is not None and short is not None and name in whole.method
    assert whole.held == 1 and whole.aig.n_ands > 5000 and "shortened" not in whole.method
    assert short.held > 0.98 and short.aig.n_ands <= 1500 and "shortened" in short.method
    assert learn_words(rows, 100) is None


def test_columns_left_out_of_a_product_are_made_up_for() -> None:
    rows = drawn(16, lambda x, y: x * y >> 15, 4000)
    (found, *_) = consistent(rows.inputs, rows.labels)
    sizes, right = [], []
    for shape in ((), (10,), (12,)):
        aig = found.circuit(32, shape)
        sizes.append(aig.n_ands)
        right.append(accuracy(aig, rows))
    assert sizes[0] > sizes[1] > sizes[2] and right[0] == 1 > right[1] > right[2] > 0.6
    builder = AigBuilder(32)
    words = [[2 * (1 + i) for i in range(16)], [2 * (1 + i) for i in range(16, 32)]]
    bare = builder.build([at.multiply(builder, words[0], words[1], 16, 10)[15]])
    assert accuracy(bare, rows) < right[1] - 0.02


def test_thresholds_are_circuits() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        weights = tuple((i, int(w)) for i, w in enumerate(rng.integers(-40, 40, 8)) if w)
        threshold = Threshold(weights, int(rng.integers(-60, 60)))
        builder = AigBuilder(8)
        rows = Rows(ALL, threshold.values(ALL))
        assert accuracy(builder.build([threshold.literal(builder)]), rows) == 1
    for number in range(-300, 300):
        assert sum(digit << shift for shift, digit in signed_digits(number)) == number
