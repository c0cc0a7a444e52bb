"""Features: columns of bits made of the inputs, each of which is also a literal of the circuit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.bench.iwls.rows import U8
from bsdgen.circuit.aig import AigBuilder

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Input:
    """An input bit."""

    position: int


@dataclass(frozen=True)
class Pair:
    """Two earlier features, each perhaps complemented, joined."""

    join: Literal["and", "xor"]
    first: int
    flip_first: bool
    second: int
    flip_second: bool


@dataclass(frozen=True)
class Threshold:
    """Whether a sum of inputs with whole weights reaches a bound."""

    weights: tuple[tuple[int, int], ...]  # position, weight
    bound: int

    def values(self, inputs: U8) -> U8:
        """Its value on rows."""
        positions = [position for position, _ in self.weights]
        weights = np.array([weight for _, weight in self.weights], np.int64)
        return (inputs[:, positions].astype(np.int64) @ weights >= self.bound).astype(np.uint8)

    def literal(self, b: AigBuilder) -> int:
        """An adder of the weights' signed digits, and a comparison with the bound.

        A negative digit of an input is a positive one of its complement, less a constant.
        """
        columns: list[at.Word] = []
        bound = self.bound
        for position, weight in self.weights:
            for shift, digit in signed_digits(weight):
                columns += [[] for _ in range(shift + 1 - len(columns))]
                columns[shift].append(2 * (1 + position) + (digit < 0))
                bound += (digit < 0) << shift
        most = sum(len(column) << shift for shift, column in enumerate(columns))
        return at.at_least(b, at.column_sums(b, columns, most.bit_length() + 1), bound)


def signed_digits(number: int) -> list[tuple[int, int]]:
    """The fewest digits 1 and -1 that a number is the sum of, as places and digits.

    >>> signed_digits(7), signed_digits(-6)
    ([(0, -1), (3, 1)], [(1, 1), (3, -1)])
    """
    out = []
    shift = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            out.append((shift, digit))
            number -= digit
        number >>= 1
        shift += 1
    return out


Feature = Input | Pair | Threshold


class FeatureSet:
    """Definitions by index, the inputs first; a pair only uses earlier ones."""

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.definitions: list[Feature] = [Input(i) for i in range(n_inputs)]
        self._known: dict[Feature, int] = {feature: i for i, feature in enumerate(self.definitions)}

    def add(self, feature: Feature) -> int:
        """Index of a feature, which is defined unless it was before."""
        index = self._known.setdefault(feature, len(self.definitions))
        if index == len(self.definitions):
            self.definitions.append(feature)
        return index

    def values(self, inputs: U8, wanted: list[int]) -> U8:
        """Columns of some features: uint8, shape (n, len(wanted)), and nothing kept of what they use."""
        needed = self._closure(wanted)
        column: dict[int, U8] = {}
        for i in needed:
            feature = self.definitions[i]
            if isinstance(feature, Input):
                column[i] = inputs[:, feature.position]
            elif isinstance(feature, Threshold):
                column[i] = feature.values(inputs)
            else:
                column[i] = join(feature, column[feature.first], column[feature.second])
        return np.stack([column[i] for i in wanted], axis=1)

    def literals(self, b: AigBuilder, wanted: list[int]) -> dict[int, int]:
        """Literals of some features and of all that they use."""
        out: dict[int, int] = {}
        for i in self._closure(wanted):
            feature = self.definitions[i]
            if isinstance(feature, Input):
                out[i] = 2 * (1 + feature.position)
            elif isinstance(feature, Threshold):
                out[i] = feature.literal(b)
            else:
                x, y = out[feature.first] ^ feature.flip_first, out[feature.second] ^ feature.flip_second
                out[i] = b.and_(x, y) if feature.join == "and" else b.xor(x, y)
        return out

    def _closure(self, wanted: list[int]) -> list[int]:
        needed, stack = set(wanted), list(wanted)
        while stack:
            feature = self.definitions[stack.pop()]
            if isinstance(feature, Pair):
                new = {feature.first, feature.second} - needed
                needed |= new
                stack += new
        return sorted(needed)


def join(pair: Pair, first: U8, second: U8) -> U8:
    """Value of a pair from those of its two features."""
    x, y = first ^ np.uint8(pair.flip_first), second ^ np.uint8(pair.flip_second)
    return x & y if pair.join == "and" else x ^ y


def matrix(columns: U8) -> F32:
    """Columns as `bsdgen.bench.iwls.forest` takes them."""
    return np.ascontiguousarray(columns, np.float32)
