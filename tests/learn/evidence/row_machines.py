"""Small machines as rows: functions of words, with related operands, uncared bits and any bit order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, to_bool

Words = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Machine:
    """A function on words: fields in and out, and what it computes.

    Attributes
    ----------
    inputs, outputs : widths.
    step : words in, words and care masks out.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    step: Callable[..., tuple[list[Words], list[Words]]]

    @property
    def n_inputs(self) -> int:
        return sum(self.inputs)

    @property
    def n_outputs(self) -> int:
        return sum(self.outputs)


def _alu(op: Words, a: Words, b: Words) -> tuple[list[Words], list[Words]]:
    mask = np.uint64(0xFF)
    y = np.select(
        [op == k for k in range(8)], [a + b, a - b, a & b, a | b, a ^ b, a, (a < b).astype(np.uint64), a + b]
    )
    ones = np.full_like(a, mask)
    care = np.where(op == 5, np.uint64(0), ones)  # the result means nothing there
    return [y & mask, (a == b).astype(np.uint64)], [care, np.full_like(a, np.uint64(1))]


ALU = Machine((3, 8, 8), (8, 1), _alu)


def rows_of(machine: Machine, n: int, seed: int, uncared: str = "zero") -> tuple[U64, U64, U64]:
    """Random rows: operands uniform, in a quarter of the rows nearly equal; packed inputs, outputs, care."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(0, 1 << width, n, dtype=np.uint64) for width in machine.inputs]
    near = rng.random(n) < 0.25
    flip = np.uint64(1) << rng.integers(0, machine.inputs[-1], n).astype(np.uint64)
    words[-1] = np.where(near, words[-2] ^ np.where(rng.random(n) < 0.5, flip, np.uint64(0)), words[-1])
    values, care = machine.step(*words)
    x, y, c = (
        pack(part, widths)
        for part, widths in ((words, machine.inputs), (values, machine.outputs), (care, machine.outputs))
    )
    if uncared == "ones":
        y = y | ~c
    elif uncared == "noise":
        y = (y & c) | (rng.integers(0, 1 << 63, y.shape).astype(np.uint64) & ~c)
    else:
        y = y & c
    return x, y & np.uint64((1 << machine.n_outputs) - 1), c


def pack(words: list[Words], widths: tuple[int, ...]) -> U64:
    bits = [
        (word[:, None] >> np.arange(width, dtype=np.uint64)) & np.uint64(1)
        for word, width in zip(words, widths, strict=True)
    ]
    return from_bool(np.concatenate(bits, axis=1).astype(np.bool_))


def disguised(x: U64, n_inputs: int, seed: int) -> U64:
    """The rows with input bits permuted and half of them inverted."""
    rng = np.random.default_rng(seed)
    bits = to_bool(x, n_inputs)[:, rng.permutation(n_inputs)]
    return from_bool(bits ^ (rng.random(n_inputs) < 0.5))
