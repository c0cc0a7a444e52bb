"""Constrained-random rows of the RV32I step function, as verification engineers make them.

A row is one instruction with one set of operands and nothing before or after it. Two mixes say what is drawn,
in percent:

=============  ======================================================================================
instruction    drawn as
=============  ======================================================================================
valid          one of the 40 encodings, each equally often, with uniform bits where it decides nothing
near           the same with 1 to 3 bits flipped, anywhere
any            32 uniform bits
=============  ======================================================================================

============  =======================================================================================
operand       drawn as
============  =======================================================================================
uniform       32 uniform bits
small         a signed number of 0 to 16 bits
constant      0, ~0, or a run of ones up to any bit, with 0 to 2 bits flipped
related       another word of the same row, with 0 to 2 bits flipped; every fourth is inverted. `rs1_rdata`
              is related to the instruction's upper 12 bits, sign-extended (immediate I), `rs2_rdata` to
              `rs1_rdata`, `pc_rdata` and `mem_rdata` to any word drawn before them
============  =======================================================================================

The operand mix holds for each of `rs1_rdata`, `rs2_rdata`, `pc_rdata` and `mem_rdata`, drawn in this order.
The lowest two bits of `pc_rdata` are 0 in four rows of five.

**What a person puts in.** `valid` and `near` know which words are instructions, and `related` that operands
are compared and added: this is knowledge of RV32I in the choice of rows. None of it reaches a learner but by
the rows. ``any=100`` with ``uniform=100`` is the mix without it.

Rows are made in chunks of `CHUNK`, each from the seed and its own number: the first rows of a recording are
those of any longer one with the same seed and mixes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.errors import UsageError
from bsdgen.isa.encoding import ENCODINGS
from bsdgen.isa.runner import rows_from_inputs
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import columns_of

STREAM = 1
"""Which rows a seed gives; another number once the drawing changes."""

CHUNK = 1 << 16
"""Rows that are drawn together."""

INSTRUCTION_KINDS = ("valid", "near", "any")
OPERAND_KINDS = ("uniform", "small", "constant", "related")

_ALIGNED = 0.8  # of addresses; a core that runs programs sees no others
_INVERTED = 0.25  # of related operands: then a sum carries through all bits, as a difference of equals does
_MATCH = np.array([encoding.match for encoding in ENCODINGS], np.uint32)
_MASK = np.array([encoding.mask for encoding in ENCODINGS], np.uint32)

U32 = NDArray[np.uint32]


def parse_mix(text: str, kinds: tuple[str, ...], option: str) -> tuple[int, ...]:
    """Shares in percent, in the order of `kinds`; kinds that are left out have none.

    Parameters
    ----------
    text : ``kind=share,kind=share``.
    kinds : what there is.
    option : what the text was given to, for the message.

    Raises
    ------
    UsageError
        A kind is unknown or given twice, a share is no whole number of 0 or more, or they do not make 100.

    Examples
    --------
    >>> parse_mix("any=30,valid=70", INSTRUCTION_KINDS, "--mix")
    (70, 0, 30)
    """
    expected = f"expected shares of {', '.join(kinds)} that make 100, such as {_example(kinds)}"
    shares: dict[str, int] = {}
    for part in text.split(","):
        kind, equals, share = (word.strip() for word in part.partition("="))
        if kind not in kinds:
            raise UsageError(f"{option}: {kind!r} of {text!r} is no kind that there is; {expected}")
        if kind in shares:
            raise UsageError(f"{option}: {kind!r} is given twice in {text!r}; {expected}")
        if not equals or not (share.isascii() and share.isdigit()):
            raise UsageError(f"{option}: {part!r} of {text!r} has no share in whole percent; {expected}")
        shares[kind] = int(share)
    if sum(shares.values()) != 100:
        raise UsageError(f"{option}: the shares of {text!r} make {sum(shares.values())}; {expected}")
    return tuple(shares.get(kind, 0) for kind in kinds)


def _example(kinds: tuple[str, ...]) -> str:
    return f"{kinds[0]}=60,{kinds[-1]}=40"


@dataclass(frozen=True)
class Mix:
    """What is drawn, in percent.

    Attributes
    ----------
    instructions : shares of `INSTRUCTION_KINDS`.
    operands : shares of `OPERAND_KINDS`.
    """

    instructions: tuple[int, ...] = (70, 15, 15)
    operands: tuple[int, ...] = (40, 15, 15, 30)

    @classmethod
    def parse(cls, instructions: str | None = None, operands: str | None = None) -> "Mix":
        """From the texts of ``--mix`` and ``--operands``, None for the default; errors of `parse_mix`."""
        mix = cls()
        return cls(
            mix.instructions if instructions is None else parse_mix(instructions, INSTRUCTION_KINDS, "--mix"),
            mix.operands if operands is None else parse_mix(operands, OPERAND_KINDS, "--operands"),
        )

    @property
    def shares(self) -> dict[str, dict[str, int]]:
        """By name, for provenance."""
        return {
            "instructions": dict(zip(INSTRUCTION_KINDS, self.instructions, strict=True)),
            "operands": dict(zip(OPERAND_KINDS, self.operands, strict=True)),
        }


class _Draw:
    """What one chunk is drawn from: arrays of `n` values each."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng = rng
        self.n = n

    def word(self) -> U32:
        """Uniform words."""
        return self.rng.integers(0, 1 << 32, self.n, dtype=np.uint32)

    def below(self, limit: int) -> U32:
        """Uniform numbers."""
        return self.rng.integers(0, limit, self.n, dtype=np.uint32)

    def kind(self, shares: tuple[int, ...]) -> NDArray[np.int8]:
        """Which share each row is of."""
        return np.repeat(np.arange(len(shares), dtype=np.int8), shares)[self.below(100)]

    def chance(self, share: float) -> NDArray[np.bool_]:
        """True in that share of rows."""
        return self.rng.random(self.n, np.float32) < share

    def flips(self, fewest: int, most: int) -> U32:
        """Words with as many flipped bits as that, or 2 fewer where a bit is hit twice."""
        count = self.below(most - fewest + 1) + np.uint32(fewest)
        flipped = np.zeros(self.n, np.uint32)
        for number in range(most):
            flipped ^= np.where(count > number, np.uint32(1) << self.below(32), np.uint32(0))
        return flipped

    def instructions(self, shares: tuple[int, ...]) -> U32:
        """Instruction words."""
        free, kind, encoding = self.word(), self.kind(shares), self.below(len(ENCODINGS))
        valid = (free & ~_MASK[encoding]) | _MATCH[encoding]
        return np.where(kind == 2, free, np.where(kind == 1, valid ^ self.flips(1, 3), valid))

    def small(self) -> U32:
        """Signed numbers of 0 to 16 bits."""
        size = self.word() >> (self.below(17) + np.uint32(15)) >> np.uint32(1)
        return np.where(self.chance(0.5), size, ~size)

    def constant(self) -> U32:
        """Runs of ones from bit 0 on (0 and ~0 as often as all others), with a few bits flipped."""
        run = (np.uint32(1) << self.below(32)) - np.uint32(1)
        ends = np.uint32(0) - self.below(2)
        return np.where(self.chance(0.5), run, ends) ^ self.flips(0, 2)

    def related(self, words: list[U32]) -> U32:
        """One of `words` each, nearly."""
        which = self.below(len(words))
        near = np.choose(which, words) ^ self.flips(0, 2)
        return np.where(self.chance(_INVERTED), ~near, near)

    def operand(self, shares: tuple[int, ...], others: list[U32]) -> U32:
        """Operand words, related to `others`."""
        made = [self.word(), self.small(), self.constant(), self.related(others)]
        return np.choose(self.kind(shares), made)


def random_inputs(chunk: int, seed: int, mix: Mix) -> U32:
    """Inputs of one chunk of rows: uint32, shape (5, `CHUNK`), in schema order."""
    own = np.random.SeedSequence(seed, spawn_key=(STREAM, chunk))
    draw = _Draw(np.random.Generator(np.random.PCG64(own)), CHUNK)
    insn = draw.instructions(mix.instructions)
    immediate = (insn.view(np.int32) >> 20).view(np.uint32)
    rs1 = draw.operand(mix.operands, [immediate])
    rs2 = draw.operand(mix.operands, [rs1])
    pc = draw.operand(mix.operands, [insn, rs1, rs2])
    pc = np.where(draw.chance(_ALIGNED), pc & ~np.uint32(3), pc)
    mem = draw.operand(mix.operands, [insn, rs1, rs2, pc])
    return np.array([insn, pc, rs1, rs2, mem], np.uint32)


def random_rows(
    n: int, seed: int, mix: Mix, progress: Callable[[int, int], None] | None = None
) -> dict[str, NDArray[np.unsignedinteger[Any]]]:
    """Rows with the answers of the reference model.

    Parameters
    ----------
    n : rows, 1 or more; each takes 64 bytes.
    seed : 0 or more. Row k depends on it, on k and on `mix` alone.
    progress : called with (rows done, n).

    Returns
    -------
    unsigned arrays of shape (n,), by name
        Every field of `RVFI_SCHEMA` and every ``<output>_care``. Output bits that are not cared are 0.

    Raises
    ------
    UsageError
        `n` or `seed` is out of its range.
    """
    if n < 1 or seed < 0:
        raise UsageError(f"random rows need n of 1 or more and a seed of 0 or more, not {n} and {seed}")
    widths = columns_of(RVFI_SCHEMA)
    rows: dict[str, NDArray[np.unsignedinteger[Any]]] = {
        name: np.empty(n, np.uint32 if width > 8 else np.uint8) for name, width in widths.items()
    }
    for first in range(0, n, CHUNK):
        last = min(n, first + CHUNK)
        made = rows_from_inputs(random_inputs(first // CHUNK, seed, mix)[:, : last - first])
        for name, values in made.items():
            care = made.get(f"{name}_care")
            rows[name][first:last] = values if care is None else values & care
        if progress is not None:
            progress(last, n)
    return rows
