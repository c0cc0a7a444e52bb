"""Rows of the manual's instruction listing, in its own notation.

A row such as ``imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011`` says all of an encoding, from bit 31 down:
which bits are fixed, where the registers are named, and where each bit of the immediate stands. Source: The
RISC-V Instruction Set Manual, Volume I, "RV32/64G Instruction Set Listings", table "RV32I Base Instruction
Set", and "Base Instruction Formats" for the sign of immediates.
"""

import re
from dataclasses import dataclass
from typing import Any

_WIDTHS = {"rs1": 5, "rs2": 5, "rd": 5, "shamt": 5, "fm": 4, "pred": 4, "succ": 4, "reserved": 5}


@dataclass(frozen=True)
class Encoding:
    """One row.

    Attributes
    ----------
    row : the text.
    mask, match : fixed bits and their values.
    fields : lowest bit and width of what is named (``rs1``, ``rd``, ``shamt`` ...), by name.
    immediate : bit of the instruction word for each bit of the immediate that has one, by the latter.

    Examples
    --------
    >>> branch = parse("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011")
    >>> hex(branch.mask), hex(branch.match), branch.fields["rs1"]
    ('0x707f', '0x63', (15, 5))
    >>> branch.immediate[12], branch.immediate[11], branch.immediate[1]
    (31, 7, 8)
    """

    row: str
    mask: int
    match: int
    fields: dict[str, tuple[int, int]]
    immediate: dict[int, int]

    @property
    def pattern(self) -> str:
        """The fixed bits as Amaranth's ``Case`` takes them, bit 31 first."""
        bits = (f"{self.match >> bit & 1}" if self.mask >> bit & 1 else "-" for bit in range(31, -1, -1))
        return "".join(bits)

    def value_of_immediate(self, insn: Any) -> Any:
        """The immediate: bits that the row does not name are 0, the highest one is the sign."""
        from amaranth.hdl import Cat, Const

        bits = [
            insn[self.immediate[bit]] if bit in self.immediate else Const(0, 1)
            for bit in range(max(self.immediate) + 1)
        ]
        return Cat(*bits).as_signed()


def _bits_of(token: str) -> list[int]:
    """Bits that ``imm[...]`` names, the highest position of the word first."""
    bits: list[int] = []
    for part in token.removeprefix("imm[").removesuffix("]").split("|"):
        high, _, low = part.partition(":")
        bits += range(int(high), int(low or high) - 1, -1)
    return bits


def parse(row: str) -> Encoding:
    """Read a row of the listing.

    Raises
    ------
    ValueError
        A word of it is unknown, or it has not 32 bits.
    """
    at, mask, match = 32, 0, 0
    fields: dict[str, tuple[int, int]] = {}
    immediate: dict[int, int] = {}
    for token in row.split():
        if re.fullmatch("[01]+", token):
            at -= len(token)
            mask |= ((1 << len(token)) - 1) << max(at, 0)
            match |= int(token, 2) << max(at, 0)
        elif token.startswith("imm["):
            for bit in _bits_of(token):
                at -= 1
                immediate[bit] = at
        elif token in _WIDTHS:
            at -= _WIDTHS[token]
            fields[token] = (at, _WIDTHS[token])
        else:
            raise ValueError(f"row {row!r}: {token!r} must be bits, imm[...] or one of {', '.join(_WIDTHS)}")
    if at != 0:
        raise ValueError(f"row {row!r} must have 32 bits, not {32 - at}")
    return Encoding(row, mask, match, fields, immediate)
