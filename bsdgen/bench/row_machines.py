"""Small machines that are learned from rows alone, each checked on all of its inputs.

At most 20 input bits each, so that a table of all assignments proves or disproves what was learned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, pack_fields, unpack_fields

Words = NDArray[np.uint64]
_NEAR = 0.25  # rows in which the last two words differ in one bit or none


def _u(value: int) -> np.uint64:
    return np.uint64(value)


@dataclass(frozen=True)
class RowMachine:
    """A machine: widths of its words, and the function of them.

    Attributes
    ----------
    name, text : for commands and for people.
    inputs, outputs : widths in bits, at most 20 input bits in all.
    step : words in; words out, and care masks of the same shape or None for all.
    """

    name: str
    text: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    step: Callable[..., tuple[list[Words], list[Words | None]]]

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return sum(self.inputs)

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return sum(self.outputs)

    def answers(self, inputs: U64) -> tuple[U64, U64]:
        """Outputs, 0 where uncared, and care of packed rows."""
        values, cares = self.step(*unpack_fields(inputs, self.inputs))
        full = [
            np.full(inputs.shape[0], (1 << width) - 1, np.uint64) if care is None else care
            for care, width in zip(cares, self.outputs, strict=True)
        ]
        care = pack_fields(np.array(full, np.uint64), self.outputs)
        return pack_fields(np.array(values, np.uint64), self.outputs) & care, care

    def rows(self, n: int, seed: int) -> tuple[U64, U64, U64]:
        """Distinct random rows, in a quarter of them the last two words alike but for a bit at most."""
        rng = np.random.default_rng(seed)
        words = [rng.integers(0, 1 << width, n, dtype=np.uint64) for width in self.inputs]
        if len(words) > 1 and self.inputs[-1] == self.inputs[-2]:
            flip = _u(1) << rng.integers(0, self.inputs[-1], n).astype(np.uint64)
            flip = np.where(rng.random(n) < 0.5, flip, _u(0))
            words[-1] = np.where(rng.random(n) < _NEAR, words[-2] ^ flip, words[-1])
        inputs = np.unique(pack_fields(np.array(words, np.uint64), self.inputs), axis=0)
        return inputs, *self.answers(inputs)

    def every(self) -> U64:
        """All assignments of the inputs."""
        return np.arange(1 << self.n_inputs, dtype=np.uint64)[:, None]


def _saturating(a: Words, b: Words) -> tuple[list[Words], list[Words | None]]:
    return [np.minimum(a + b, _u(255))], [None]


def _extremes(op: Words, a: Words, b: Words) -> tuple[list[Words], list[Words | None]]:
    return [np.where(op == 1, np.maximum(a, b), np.minimum(a, b))], [None]


def _rotate(a: Words, by: Words) -> tuple[list[Words], list[Words | None]]:
    return [(a << by | a >> ((_u(8) - by) & _u(7))) & _u(255)], [None]


def _decimal(a: Words, b: Words) -> tuple[list[Words], list[Words | None]]:
    digits = [(word & _u(15), word >> _u(4)) for word in (a, b)]
    numbers = [low + _u(10) * high for low, high in digits]
    total = numbers[0] + numbers[1]
    valid = np.ones(a.shape, np.bool_)
    for low, high in digits:
        valid &= (low < 10) & (high < 10)
    value = (total % _u(10)) | (total // _u(10) % _u(10)) << _u(4) | (total // _u(100)) << _u(8)
    return [value], [np.where(valid, _u(511), _u(0))]


def _popcount(a: Words) -> tuple[list[Words], list[Words | None]]:
    return [np.bitwise_count(a).astype(np.uint64)], [None]


def _priority(a: Words) -> tuple[list[Words], list[Words | None]]:
    highest = np.zeros_like(a)
    for bit in range(12):
        highest = np.where(a >> _u(bit) & _u(1) == 1, _u(bit), highest)
    some = (a != 0).astype(np.uint64)
    return [highest, some], [np.where(a != 0, _u(15), _u(0)), None]


def _accumulator(op: Words, x: Words, m: Words) -> tuple[list[Words], list[Words | None]]:
    """A made-up machine of eight instructions with zero and negative flags, which a store leaves alone."""
    mask = _u(127)
    chosen = [x + m, x - m, x & m, x ^ m, m, (x << _u(1)), (x >> _u(1)), x]
    y = np.select([op == k for k in range(8)], chosen) & mask
    flags = np.where(op == 7, _u(0), _u(1))
    return [y, (y == 0).astype(np.uint64), y >> _u(6)], [None, flags, flags]


MACHINES = (
    RowMachine(
        "accumulator", "a made-up 7-bit accumulator machine with flags", (3, 7, 7), (7, 1, 1), _accumulator
    ),
    RowMachine("saturating", "saturating addition of 8 bits", (8, 8), (8,), _saturating),
    RowMachine("extremes", "minimum or maximum of 8 bits", (1, 8, 8), (8,), _extremes),
    RowMachine("rotate", "rotation of 8 bits", (8, 3), (8,), _rotate),
    RowMachine("decimal", "addition of two decimal digits (BCD)", (8, 8), (9,), _decimal),
    RowMachine("popcount", "ones among 8 bits", (8,), (4,), _popcount),
    RowMachine("priority", "the highest one among 12 bits", (12,), (4, 1), _priority),
)
