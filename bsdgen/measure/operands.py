"""Operand values for a measurement: what a datapath gets wrong first.

Each distribution fills rs1, rs2, pc and the memory word of some vectors, given the immediate of the
instruction, so that comparators, carries and alignment checks meet their rare cases with either second
operand. None of them is the learner's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U32 = NDArray[np.uint32]

_POWERS = 1 << np.array([0, 1, 2, 4, 5, 7, 8, 11, 12, 15, 16, 19, 20, 31], np.int64)
_BORDERS = np.concatenate(
    [_POWERS - 1, _POWERS, _POWERS + 1, -_POWERS, -_POWERS - 1, np.array([0x55555555, 0xAAAAAAAA])]
).astype(np.uint32)


def uniform(rng: np.random.Generator, n: int) -> U32:
    """Draw uniform words."""
    return rng.integers(0, 1 << 32, n, np.uint32)


def one_hot(rng: np.random.Generator, n: int) -> U32:
    """Draw words with one bit set."""
    return np.uint32(1) << rng.integers(0, 32, n, np.uint32)


def _run(rng: np.random.Generator, n: int) -> U32:
    """Draw runs of 1 to 32 ones at any place, or their complements."""
    start = rng.integers(0, 32, n).astype(np.uint64)
    length = rng.integers(1, 33, n).astype(np.uint64)
    run = (((np.uint64(1) << length) - np.uint64(1)) << start).astype(np.uint32)
    return np.where(rng.random(n) < 0.5, run, ~run)


def _small(rng: np.random.Generator, n: int) -> U32:
    return rng.integers(-64, 65, n).astype(np.int64).astype(np.uint32)


def _low_mask(rng: np.random.Generator, n: int) -> U32:
    """Draw 0 to 32 low ones."""
    return ((np.uint64(1) << rng.integers(0, 33, n).astype(np.uint64)) - np.uint64(1)).astype(np.uint32)


@dataclass
class Operands:
    """Words of a batch, shape (n,) each; `imm` is given, a distribution overwrites the others as it likes."""

    imm: U32
    pc: U32
    rs1: U32
    rs2: U32
    mem: U32

    def other(self, rng: np.random.Generator) -> U32:
        """What rs1 is set against: rs2 or the immediate, by the throw of a coin a vector."""
        return np.where(rng.random(self.rs1.size) < 0.5, self.rs2, self.imm)


def draw_uniform(rng: np.random.Generator, words: Operands) -> None:
    """Everything uniform: as it comes."""


def draw_borders(rng: np.random.Generator, words: Operands) -> None:
    """Values at the borders of widths."""
    for array in (words.pc, words.rs1, words.rs2, words.mem):
        array[:] = rng.choice(_BORDERS, array.size)


def draw_small(rng: np.random.Generator, words: Operands) -> None:
    """Numbers near zero of either sign."""
    for array in (words.pc, words.rs1, words.rs2, words.mem):
        array[:] = _small(rng, array.size)


def draw_one_hot(rng: np.random.Generator, words: Operands) -> None:
    """One bit set, or one clear."""
    for array in (words.pc, words.rs1, words.rs2, words.mem):
        word = one_hot(rng, array.size)
        array[:] = np.where(rng.random(array.size) < 0.5, word, ~word)


def draw_runs(rng: np.random.Generator, words: Operands) -> None:
    """Runs of ones and of zeros."""
    for array in (words.pc, words.rs1, words.rs2, words.mem):
        array[:] = _run(rng, array.size)


def draw_sign_borders(rng: np.random.Generator, words: Operands) -> None:
    """Values next to the largest and the least signed number; memory bytes next to their sign border."""
    for array in (words.rs1, words.rs2):
        array[:] = np.uint32(0x80000000) + _small(rng, array.size)
    words.mem[:] = rng.choice(np.array([0x7F, 0x80, 0, 0xFF], np.uint8), (words.mem.size, 4)).view(np.uint32)[
        :, 0
    ]


def draw_equal(rng: np.random.Generator, words: Operands) -> None:
    """Rs1 equal to rs2, to the immediate, to pc, or to the memory word."""
    same = np.choose(rng.integers(0, 4, words.rs1.size), [words.rs2, words.imm, words.pc, words.mem])
    words.rs1[:] = same


def draw_one_bit_apart(rng: np.random.Generator, words: Operands) -> None:
    """Operands that differ in one bit, at every position."""
    words.rs1[:] = words.other(rng) ^ one_hot(rng, words.rs1.size)


def draw_off_by_one(rng: np.random.Generator, words: Operands) -> None:
    """Operands that differ by one or two, with borrows through runs of zeros."""
    base = words.other(rng)
    cleared = base & ~_low_mask(rng, base.size)
    step = rng.choice(np.array([1, 2, 0xFFFFFFFF, 0xFFFFFFFE], np.uint32), base.size)
    # rs2 can follow the cleared low bits, the immediate cannot: it keeps the plain difference.
    follows = rng.random(base.size) < 0.5
    words.rs2[:] = np.where(follows, cleared, words.rs2)
    words.rs1[:] = np.where(follows, cleared, base) + step


def draw_shared_prefix(rng: np.random.Generator, words: Operands) -> None:
    """Operands equal above a random bit and unrelated below."""
    low = _low_mask(rng, words.rs1.size)
    words.rs1[:] = words.other(rng) & ~low | words.rs1 & low


def draw_carries(rng: np.random.Generator, words: Operands) -> None:
    """Carries: every bit propagates but for a few, where one is generated or killed."""
    propagate = ~words.other(rng)
    odd = one_hot(rng, propagate.size) & np.where(
        rng.random(propagate.size) < 0.7, ~np.uint32(0), np.uint32(0)
    )
    words.rs1[:] = propagate ^ odd
    words.pc[:] = np.where(rng.random(propagate.size) < 0.5, ~words.imm ^ odd, words.pc)


def draw_negated(rng: np.random.Generator, words: Operands) -> None:
    """Sums and targets next to zero: rs1 or pc is the negative of what is added to it."""
    near = _small(rng, words.rs1.size)
    words.rs1[:] = near - words.other(rng)
    words.pc[:] = near - words.imm


def draw_addresses(rng: np.random.Generator, words: Operands) -> None:
    """Sums of rs1 and the immediate at every misalignment, near each other and near the ends of memory."""
    n = words.rs1.size
    aligned = np.where(rng.random(n) < 0.5, uniform(rng, n), _small(rng, n)) & ~np.uint32(7)
    words.rs1[:] = aligned + rng.integers(0, 8, n, np.uint32) - words.imm


DISTRIBUTIONS: tuple[Callable[[np.random.Generator, Operands], None], ...] = (
    draw_uniform,
    draw_borders,
    draw_small,
    draw_one_hot,
    draw_runs,
    draw_sign_borders,
    draw_equal,
    draw_one_bit_apart,
    draw_off_by_one,
    draw_shared_prefix,
    draw_carries,
    draw_negated,
    draw_addresses,
)


def align_pc(rng: np.random.Generator, pc: U32) -> None:
    """Make most of `pc` word aligned as a real one is, some half-word aligned, and leave some as they are."""
    kind = rng.random(pc.size)
    pc[:] = np.where(
        kind < 0.6, pc & ~np.uint32(3), np.where(kind < 0.8, pc & ~np.uint32(3) | np.uint32(2), pc)
    )
