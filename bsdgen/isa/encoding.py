"""RV32I encodings: one table, from which decoding, classification and generators are made.

Source: The RISC-V Instruction Set Manual, Volume I, chapter "RV32I Base Integer Instruction Set" and the
table "RV32/64G Instruction Set Listings". An instruction word `w` is instruction `e` if
``w & e.mask == e.match``. The encodings exclude each other, and a word that none matches is illegal. FENCE
ignores every field but opcode and funct3, as the manual asks of base implementations.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Format = Literal["R", "I", "S", "B", "U", "J", "shift", "exact", "fence"]

_MASKS: dict[Format, int] = {
    "R": 0xFE00707F,
    "shift": 0xFE00707F,
    "I": 0x0000707F,
    "S": 0x0000707F,
    "B": 0x0000707F,
    "fence": 0x0000707F,
    "U": 0x0000007F,
    "J": 0x0000007F,
    "exact": 0xFFFFFFFF,
}


@dataclass(frozen=True)
class Encoding:
    """One instruction.

    Attributes
    ----------
    name : mnemonic, lower case.
    format : which fields the word has ("shift": I with a 5-bit amount and funct7; "exact": no field at all).
    match, mask : the fixed bits.
    """

    name: str
    format: Format
    match: int

    @property
    def mask(self) -> int:
        """Bits that decide."""
        return _MASKS[self.format]

    @property
    def reads_rs1(self) -> bool:
        """Whether the instruction's meaning depends on its first source register."""
        return self.format in ("R", "I", "S", "B", "shift")

    @property
    def reads_rs2(self) -> bool:
        """Whether the instruction's meaning depends on its second source register."""
        return self.format in ("R", "S", "B")

    @property
    def writes_rd(self) -> bool:
        """Whether the instruction has a destination register."""
        return self.format in ("R", "I", "U", "J", "shift")


def _of(opcode: int, funct3: int = 0, funct7: int = 0) -> int:
    return funct7 << 25 | funct3 << 12 | opcode


ENCODINGS: tuple[Encoding, ...] = (
    Encoding("lui", "U", 0x37),
    Encoding("auipc", "U", 0x17),
    Encoding("jal", "J", 0x6F),
    Encoding("jalr", "I", 0x67),
    Encoding("beq", "B", _of(0x63, 0)),
    Encoding("bne", "B", _of(0x63, 1)),
    Encoding("blt", "B", _of(0x63, 4)),
    Encoding("bge", "B", _of(0x63, 5)),
    Encoding("bltu", "B", _of(0x63, 6)),
    Encoding("bgeu", "B", _of(0x63, 7)),
    Encoding("lb", "I", _of(0x03, 0)),
    Encoding("lh", "I", _of(0x03, 1)),
    Encoding("lw", "I", _of(0x03, 2)),
    Encoding("lbu", "I", _of(0x03, 4)),
    Encoding("lhu", "I", _of(0x03, 5)),
    Encoding("sb", "S", _of(0x23, 0)),
    Encoding("sh", "S", _of(0x23, 1)),
    Encoding("sw", "S", _of(0x23, 2)),
    Encoding("addi", "I", _of(0x13, 0)),
    Encoding("slti", "I", _of(0x13, 2)),
    Encoding("sltiu", "I", _of(0x13, 3)),
    Encoding("xori", "I", _of(0x13, 4)),
    Encoding("ori", "I", _of(0x13, 6)),
    Encoding("andi", "I", _of(0x13, 7)),
    Encoding("slli", "shift", _of(0x13, 1)),
    Encoding("srli", "shift", _of(0x13, 5)),
    Encoding("srai", "shift", _of(0x13, 5, 0x20)),
    Encoding("add", "R", _of(0x33, 0)),
    Encoding("sub", "R", _of(0x33, 0, 0x20)),
    Encoding("sll", "R", _of(0x33, 1)),
    Encoding("slt", "R", _of(0x33, 2)),
    Encoding("sltu", "R", _of(0x33, 3)),
    Encoding("xor", "R", _of(0x33, 4)),
    Encoding("srl", "R", _of(0x33, 5)),
    Encoding("sra", "R", _of(0x33, 5, 0x20)),
    Encoding("or", "R", _of(0x33, 6)),
    Encoding("and", "R", _of(0x33, 7)),
    Encoding("fence", "fence", 0x0F),
    Encoding("ecall", "exact", 0x00000073),
    Encoding("ebreak", "exact", 0x00100073),
)
"""All 40 instructions of RV32I."""

INSTRUCTIONS: tuple[str, ...] = tuple(encoding.name for encoding in ENCODINGS)
"""Mnemonics; `classify` and `decode` give indices into this tuple."""

ILLEGAL = -1
"""What `decode` gives for a word that is no RV32I instruction."""


def _decode_table() -> NDArray[np.int8]:
    """Index by opcode (7 bits), funct3 (3 bits) and kind of funct7 (0: zero, 1: 0x20, 2: any other)."""
    table = np.full((3, 8, 128), ILLEGAL, np.int8)
    for index, encoding in enumerate(ENCODINGS):
        if encoding.format == "exact":
            continue  # all 32 bits decide: see `decode`
        for kind, funct7 in enumerate((0x00, 0x20, 0x7F)):
            for funct3 in range(8):
                word = _of(encoding.match & 0x7F, funct3, funct7)
                if word & encoding.mask == encoding.match:
                    table[kind, funct3, encoding.match & 0x7F] = index
    return table.ravel()


_DECODE = _decode_table()
_ECALL, _EBREAK = ENCODINGS[-2].match, ENCODINGS[-1].match
_ECALL_INDEX, _EBREAK_INDEX = INSTRUCTIONS.index("ecall"), INSTRUCTIONS.index("ebreak")


@njit(cache=True, nogil=True, inline="always")
def decode(insn: int) -> int:
    """Index of an instruction word in `INSTRUCTIONS`, or `ILLEGAL`.

    Parameters
    ----------
    insn : instruction word as a non-negative int64.

    Examples
    --------
    >>> INSTRUCTIONS[decode(0x00100093)]  # addi x1, x0, 1
    'addi'
    >>> decode(0)
    -1
    """
    funct7 = insn >> 25
    kind = 0
    if funct7 != 0:
        kind = 1 if funct7 == 0x20 else 2
    index = int(_DECODE[kind << 10 | (insn >> 12 & 7) << 7 | (insn & 0x7F)])
    if insn == _ECALL:
        index = _ECALL_INDEX
    elif insn == _EBREAK:
        index = _EBREAK_INDEX
    return index
