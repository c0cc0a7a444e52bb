"""Instruction words for a measurement: every instruction, and illegal words of all shapes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bsdgen.isa.encoding import ENCODINGS, Encoding

U32 = NDArray[np.uint32]


def words32(rng: np.random.Generator, n: int) -> U32:
    """Draw uniform 32-bit words."""
    return rng.integers(0, 1 << 32, n, np.uint32)


def legal(rng: np.random.Generator, encoding: Encoding, n: int) -> U32:
    """Draw words of one instruction, its free bits uniform."""
    free = np.uint32(~encoding.mask & 0xFFFFFFFF)
    return words32(rng, n) & free | np.uint32(encoding.match)


def _any_legal(rng: np.random.Generator, n: int) -> U32:
    match = np.array([encoding.match for encoding in ENCODINGS], np.uint32)
    free = np.array([~encoding.mask & 0xFFFFFFFF for encoding in ENCODINGS], np.uint32)
    chosen = rng.integers(0, len(ENCODINGS), n)
    words: U32 = words32(rng, n) & free[chosen] | match[chosen]
    return words


def _one_bit_off(rng: np.random.Generator, n: int) -> U32:
    """Legal words with one bit flipped; some stay legal, which is as well."""
    bit: U32 = np.uint32(1) << rng.integers(0, 32, n, np.uint32)
    return _any_legal(rng, n) ^ bit


def _two_bits_off(rng: np.random.Generator, n: int) -> U32:
    return _one_bit_off(rng, n) ^ (np.uint32(1) << rng.integers(0, 32, n, np.uint32))


def _any_opcode(rng: np.random.Generator, n: int) -> U32:
    """All 32 major opcodes of the 32-bit encoding space, the rest uniform."""
    return words32(rng, n) | np.uint32(3)


def _compressed(rng: np.random.Generator, n: int) -> U32:
    """Words whose two low bits are not 11: 16-bit encodings to the manual."""
    low: U32 = rng.integers(0, 3, n, np.uint32)
    return words32(rng, n) & np.uint32(0xFFFFFFFC) | low


def _other_funct7(rng: np.random.Generator, n: int) -> U32:
    """Register-register words and immediate shifts with any upper seven bits, M among them."""
    upper = np.where(
        rng.random(n) < 0.5, rng.integers(0, 128, n), np.int64(1) << rng.integers(0, 7, n)
    ).astype(np.uint32)
    opcode = np.where(rng.random(n) < 0.5, 0x33, 0x13).astype(np.uint32)
    lower = words32(rng, n) & np.uint32(0x01FFFF80)
    return upper << np.uint32(25) | lower | opcode


def _system(rng: np.random.Generator, n: int) -> U32:
    """SYSTEM words: ECALL and EBREAK with up to two bits flipped, CSR accesses, returns from traps."""
    near = np.where(rng.random(n) < 0.5, 0x00000073, 0x00100073).astype(np.uint32)
    near ^= np.uint32(1) << rng.integers(0, 32, n, np.uint32)
    twice = rng.random(n) < 0.3
    near[twice] ^= np.uint32(1) << rng.integers(0, 32, np.count_nonzero(twice), np.uint32)
    csr = words32(rng, n) & np.uint32(0xFFFFFF80) | np.uint32(0x73)
    named = np.array([0x30200073, 0x10200073, 0x10500073, 0x12000073, 0x7B200073], np.uint32)
    kind = rng.random(n)
    return np.where(kind < 0.5, near, np.where(kind < 0.9, csr, rng.choice(named, n)))


def _border(rng: np.random.Generator, n: int) -> U32:
    """All zeros, all ones, one bit set, one bit clear."""
    one = np.uint32(1) << rng.integers(0, 32, n, np.uint32)
    kind = rng.integers(0, 4, n)
    return np.choose(kind, [np.zeros_like(one), ~np.zeros_like(one), one, ~one])


_SHAPES: tuple[Callable[[np.random.Generator, int], U32], ...] = (
    _one_bit_off,
    _two_bits_off,
    _any_opcode,
    _compressed,
    _other_funct7,
    _system,
    _border,
)


def odd(rng: np.random.Generator, n: int) -> U32:
    """Draw words most of which are illegal, of all shapes in equal parts."""
    parts = [len(part) for part in np.array_split(np.arange(n), len(_SHAPES))]
    return np.concatenate([shape(rng, size) for shape, size in zip(_SHAPES, parts, strict=True)])


def immediates(insn: U32, encoding_index: NDArray[np.intp]) -> U32:
    """Sign-extended immediate of each word by its instruction's format; format I where there is none.

    Parameters
    ----------
    insn : uint32, shape (n,)
    encoding_index : index into `ENCODINGS`, or -1.
    """
    signed = insn.view(np.int32)
    sign = (signed >> 31).view(np.uint32)
    imm_i = (signed >> 20).view(np.uint32)
    imm_s = imm_i & ~np.uint32(31) | insn >> np.uint32(7) & np.uint32(31)
    imm_b = (
        sign << np.uint32(12)
        | insn << np.uint32(4) & np.uint32(0x800)
        | insn >> np.uint32(20) & np.uint32(0x7E0)
        | insn >> np.uint32(7) & np.uint32(0x1E)
    )
    imm_j = (
        sign << np.uint32(20)
        | insn & np.uint32(0xFF000)
        | insn >> np.uint32(9) & np.uint32(0x800)
        | insn >> np.uint32(20) & np.uint32(0x7FE)
    )
    by_format = {"S": 1, "B": 2, "U": 3, "J": 4}
    which = np.array([by_format.get(encoding.format, 0) for encoding in ENCODINGS] + [0])
    return np.choose(which[encoding_index], [imm_i, imm_s, imm_b, insn & np.uint32(0xFFFFF000), imm_j])
