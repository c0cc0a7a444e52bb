"""A library of word functions: a prior on what hardware computes.

The inputs are read as one word or two of equal width, in any of a few plain orders, and every bit of every
function here is held against the rows. What contradicts no row at all is offered as a circuit. Nothing is
known of any example: all functions are proposed for all of them, at whatever width the inputs have. A
circuit that would be too large is offered in shorter versions, which leave out what seldom matters: low bits
of a product's partial products, low bits of what a quotient is decided by, high bits of a quotient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.circuit.aig import Aig, AigBuilder

U8 = NDArray[np.uint8]
Shape = tuple[int, ...]  # how a version is shortened; (): it is exact


@dataclass(frozen=True)
class Order:
    """Which inputs make up the words: positions of each word's bits, least significant first."""

    name: str
    words: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class WordFunction:
    """A function of words.

    Attributes
    ----------
    name : as results show it.
    n_words : how many words it takes, 1 or 2.
    value : its value by numbers; negative ones stand for infinitely many leading ones.
    circuit : literal of one bit of it, from builder, words, bit and shape.
    shapes : shapes of shorter versions of a bit of words of some width.
    """

    name: str
    n_words: int
    value: Callable[..., int]
    circuit: Callable[[AigBuilder, list[at.Word], int, Shape], int]
    shapes: Callable[[int, int], list[Shape]] = lambda width, bit: []


@dataclass(frozen=True)
class Hypothesis:
    """One bit of a word function, complemented or not, that contradicts no row."""

    function: WordFunction
    order: Order
    bit: int
    complement: bool

    @property
    def name(self) -> str:
        """As results show it."""
        sign = "not " if self.complement else ""
        return f"{sign}{self.function.name} bit {self.bit} ({self.order.name})"

    def shapes(self) -> list[Shape]:
        """The exact version, then shorter ones, all worth a try."""
        return [(), *self.function.shapes(len(self.order.words[0]), self.bit)]

    def least_ands(self, shape: Shape) -> int:
        """A number of ANDs that a version has at least, without building it."""
        width = len(self.order.words[0])
        cells = {
            "a * b": 0 if shape else min(self.bit, 2 * width - self.bit) ** 2 // 2,
            "a / b": 0 if shape else (width - self.bit) ** 2 // 2,
            "a % b": 0 if shape else width**2 // 2,
            "square root": (width // 2 - self.bit) ** 2 // 2,
        }
        return 3 * cells.get(self.function.name, 0)

    def circuit(self, n_inputs: int, shape: Shape) -> Aig:
        """The circuit of a version."""
        builder = AigBuilder(n_inputs)
        words = [[2 * (1 + position) for position in word] for word in self.order.words]
        literal = self.function.circuit(builder, words, self.bit, shape)
        return builder.build([literal ^ int(self.complement)])


def _sum(b: AigBuilder, words: list[at.Word], bit: int, _: Shape) -> int:
    return at.add(b, words[0], words[1])[bit]


def _difference(b: AigBuilder, words: list[at.Word], bit: int, _: Shape) -> int:
    return at.subtract(b, words[0], words[1])[min(bit, len(words[0]))]


def _product(b: AigBuilder, words: list[at.Word], bit: int, shape: Shape) -> int:
    first = shape[0] if shape else 0
    if not first:
        return at.multiply(b, words[0], words[1], bit + 1)[bit]
    # What is left out is on average a quarter of its partial products, and mostly a whole number below that.
    width = len(words[0])
    left_out = sum(
        min(column + 1, width, max(0, 2 * width - 1 - column)) << column for column in range(first)
    )
    return at.multiply(b, words[0], words[1], bit + 1, first, left_out >> (first + 2))[bit]


def _product_shapes(width: int, bit: int) -> list[Shape]:
    return [(bit - n,) for n in range(2, 25) if bit - n > 0]


def _window(words: list[at.Word], shape: Shape) -> tuple[at.Word, at.Word, int]:
    """The words' upper parts, and how many bits of the quotient to compute."""
    window, n_quotient = shape or (len(words[0]), len(words[0]))
    x, y = (word[len(word) - window :] for word in words)
    return x, y, n_quotient


def _quotient(b: AigBuilder, words: list[at.Word], bit: int, shape: Shape) -> int:
    x, y, n_quotient = _window(words, shape)
    return at.divide(b, x, y, n_quotient)[0][bit]


def _remainder(b: AigBuilder, words: list[at.Word], bit: int, shape: Shape) -> int:
    x, y, n_quotient = _window(words, shape)
    quotient, rest = at.divide(b, x, y, n_quotient)
    below = len(words[0]) - len(x)
    if bit >= below:
        return rest[bit - below]
    product = at.multiply(b, quotient[: bit + 1], words[1][: bit + 1], bit + 1)
    return at.subtract(b, words[0][: bit + 1], product)[bit]


def _quotient_shapes(width: int, bit: int) -> list[Shape]:
    return [
        (window, bit + n_quotient)
        for window in (16, 20, 24, 32, 40)
        for n_quotient in (8, 10, 12, 14)
        if window < width and bit + n_quotient <= window
    ]


def _remainder_shapes(width: int, bit: int) -> list[Shape]:
    return [shape for shape in _quotient_shapes(width, 0) if bit < 16 or bit >= width - shape[0]]


def _root(b: AigBuilder, words: list[at.Word], bit: int, _: Shape) -> int:
    return at.square_root(b, words[0], bit)[bit]


def _equality(b: AigBuilder, words: list[at.Word], bit: int, _: Shape) -> int:
    return at.equal(b, words[0], words[1])


def _divided(x: int, y: int) -> tuple[int, int]:
    return divmod(x, y) if y else (-1, x)


LIBRARY = (
    WordFunction("a + b", 2, lambda x, y: x + y, _sum),
    WordFunction("a - b", 2, lambda x, y: x - y, _difference),
    WordFunction("a == b", 2, lambda x, y: int(x == y), _equality),
    WordFunction("a * b", 2, lambda x, y: x * y, _product, _product_shapes),
    WordFunction("a / b", 2, lambda x, y: _divided(x, y)[0], _quotient, _quotient_shapes),
    WordFunction("a % b", 2, lambda x, y: _divided(x, y)[1], _remainder, _remainder_shapes),
    WordFunction("square root", 1, isqrt, _root),
)
"""All functions that are proposed; a comparison is the sign of a difference."""


def n_bits(function: WordFunction, width: int) -> int:
    """Bits of a function's value that are looked at."""
    some = {"a * b": 2 * width, "a / b": width, "a % b": width, "a == b": 1, "square root": (width + 1) // 2}
    return some.get(function.name, width + 1)


def orders(n_inputs: int, n_words: int) -> Iterator[Order]:
    """Plain orders: halves or alternating bits, either end first, either word first."""
    everything = tuple(range(n_inputs))
    if n_words == 1:
        yield Order("lsb first", (everything,))
        yield Order("msb first", (everything[::-1],))
        return
    if n_inputs % 2:
        return
    half = n_inputs // 2
    for name, pair in (
        ("halves", (everything[:half], everything[half:])),
        ("alternating", (everything[::2], everything[1::2])),
    ):
        for end, step in (("lsb first", 1), ("msb first", -1)):
            x, y = (word[::step] for word in pair)
            yield Order(f"{name}, {end}", (x, y))
            yield Order(f"{name}, {end}, swapped", (y, x))


def numbers(rows: U8) -> list[int]:
    """Rows of bits, least significant first, as numbers."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def consistent(rows: U8, labels: U8) -> list[Hypothesis]:
    """Every bit of every word function that contradicts none of the rows, those of fewest ANDs first.

    Parameters
    ----------
    rows : uint8, shape (n, n_inputs), of 0 and 1.
    labels : uint8, shape (n,)
    """
    found: list[Hypothesis] = []
    n_inputs = rows.shape[1]
    known = {n_words: list(orders(n_inputs, n_words)) for n_words in (1, 2)}
    for n_words, some in known.items():
        for order in some:
            words = [numbers(rows[:, list(word)]) for word in order.words]
            for function in LIBRARY:
                if function.n_words == n_words:
                    found += _bits(function, order, words, labels)
    return found


def _bits(function: WordFunction, order: Order, words: list[list[int]], labels: U8) -> Iterator[Hypothesis]:
    width = len(order.words[0])
    everything = (1 << n_bits(function, width)) - 1
    equal = opposite = everything
    for *word, label in zip(*words, labels.tolist(), strict=True):
        value = function.value(*word) & everything
        equal &= value if label else ~value
        opposite &= ~value if label else value
        if not equal and not opposite:
            return
    for complement, bits in ((False, equal), (True, opposite)):
        for bit in range(bits.bit_length()):
            if bits >> bit & 1:
                yield Hypothesis(function, order, bit, complement)
