"""Cells: what a row of the RV32I step function exercises, as one number.

A cell is a triple of a *row class* (the instruction, a branch apart by whether it is taken, or the pattern of
an illegal word), an *operand class* and a *hazard*. Each vector is in exactly one cell, so that counts of
cells add up: of the operand classes, as of the hazards, the first in the order below that holds counts.

Operands ``a`` and ``b`` are what the instruction's own arithmetic takes: rs1 and rs2 or the immediate, pc and
the immediate for AUIPC and JAL. Classes by kind of instruction, rarest first:

===========  ===========================================================================================
kind         classes
===========  ===========================================================================================
sum          carry through, zero, opposite (a + b = 0), equal, ones, sign border, overflow (ADD, ADDI) or
             wrap (addresses and targets: the sum leaves 0 .. 2**32 - 1), negative (loads: sign bit of the
             datum)
difference   equal, carry through (a borrow), off by one, one bit apart, zero, ones, sign border, overflow,
             signs differ
logic        equal, opposite (b = not a), zero, ones, lone bit
shift        amount 0, amount 31, zero, ones, lone bit, beyond 31 (rs2's ignored bits), negative
===========  ===========================================================================================

"Carry through" means that every carry is 1 from the lowest bit at which two operands of the kind can make one
up to bit 31: from bit 0, of a target from bit 2, of AUIPC from bit 12. "Zero" and "ones" hold for either
operand. Where a byte or half word stands in its word (+1 to +3), and a target that is not aligned, is the
alignment hazard; it traps unless the access is narrow enough.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS, Encoding, decode

_M32 = 0xFFFFFFFF
_SIGN = 0x80000000

OPERANDS: tuple[str, ...] = (
    "ordinary",
    "zero",
    "ones",
    "equal",
    "opposite",
    "one bit apart",
    "off by one",
    "carry through",
    "sign border",
    "overflow",
    "wrap",
    "signs differ",
    "lone bit",
    "amount 0",
    "amount 31",
    "beyond 31",
    "negative",
)
"""Operand classes."""

(
    _ORDINARY,
    _ZERO,
    _ONES,
    _EQUAL,
    _OPPOSITE,
    _ONE_BIT,
    _OFF_BY_ONE,
    _CARRY,
    _BORDER,
    _OVERFLOW,
    _WRAP,
    _SIGNS,
    _LONE,
    _AMOUNT_0,
    _AMOUNT_31,
    _BEYOND,
    _NEGATIVE,
) = range(len(OPERANDS))

HAZARDS: tuple[str, ...] = (
    "none",
    "at +1",
    "at +2",
    "at +3",
    "rd = x0",
    "rs1 = x0",
    "rs2 = x0",
    "rd = rs1",
    "rd = rs2",
    "rs1 = rs2",
)
"""Hazards: alignment of the address or of the target that is gone to, then relations of registers."""

ILLEGAL_PATTERNS: tuple[str, ...] = (
    "illegal: 16 bits",
    "illegal: over 32 bits",
    "illegal: load width",
    "illegal: store width",
    "illegal: branch kind",
    "illegal: JALR funct3",
    "illegal: shift amount",
    "illegal: M extension",
    "illegal: OP funct7",
    "illegal: MISC-MEM funct3",
    "illegal: CSR access",
    "illegal: SYSTEM word",
    "illegal: other opcode",
)
"""Why a word is no instruction; the last ones that hold nothing else come last."""


def _row_names() -> tuple[str, ...]:
    names: list[str] = []
    for encoding in ENCODINGS:
        names += [f"{encoding.name} taken", encoding.name] if encoding.format == "B" else [encoding.name]
    return (*names, *ILLEGAL_PATTERNS)


ROWS: tuple[str, ...] = _row_names()
"""Row classes: instructions in the order of `bsdgen.isa.encoding`, then illegal patterns; a branch's plain
name is the branch that is not taken."""

SHAPE = (len(ROWS), len(OPERANDS), len(HAZARDS))
"""Extents of an array of counts by row class, operand class and hazard; a cell's number is its flat index."""

N_CELLS = SHAPE[0] * SHAPE[1] * SHAPE[2]


def row_classes() -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Instructions and "illegal", and to which of them each row class belongs: intp, shape (len(ROWS),)."""
    names = (*INSTRUCTIONS, "illegal")
    belongs = [
        names.index("illegal" if row in ILLEGAL_PATTERNS else row.removesuffix(" taken")) for row in ROWS
    ]
    return names, np.array(belongs, np.intp)


# What an instruction's arithmetic is, by index in ENCODINGS.
_NONE, _SUM, _DIFFERENCE, _LOGIC, _SHIFT = range(5)
_RS1, _PC = range(2)
_RS2, _IMM_I, _IMM_S, _IMM_U, _IMM_J = range(5)


def _kind(encoding: Encoding) -> int:
    name = encoding.name
    if encoding.format in ("U", "fence", "exact"):
        return _SUM if name == "auipc" else _NONE
    if encoding.format == "B" or name in ("sub", "slt", "sltu", "slti", "sltiu"):
        return _DIFFERENCE
    if name.removesuffix("i") in ("xor", "or", "and"):
        return _LOGIC
    return _SHIFT if name.removesuffix("i") in ("sll", "srl", "sra") else _SUM


_SECOND = {"R": _RS2, "B": _RS2, "S": _IMM_S, "U": _IMM_U, "J": _IMM_J}
_KIND = np.array([_kind(encoding) for encoding in ENCODINGS], np.int64)
_FIRST_OF = np.array([_PC if e.name in ("auipc", "jal") else _RS1 for e in ENCODINGS], np.int64)
_SECOND_OF = np.array([_SECOND.get(encoding.format, _IMM_I) for encoding in ENCODINGS], np.int64)
_LOWEST = np.array([{"auipc": 12, "jal": 2}.get(encoding.name, 0) for encoding in ENCODINGS], np.int64)
_ALU = np.array([encoding.name in ("add", "addi") for encoding in ENCODINGS])
_LOADS = np.array([encoding.match & 0x7F == 0x03 for encoding in ENCODINGS])
_ACCESSES = np.array([encoding.match & 0x5F == 0x03 for encoding in ENCODINGS])
_JAL, _JALR = INSTRUCTIONS.index("jal"), INSTRUCTIONS.index("jalr")
_IS_BRANCH = np.array([encoding.format == "B" for encoding in ENCODINGS])
_IS_R = np.array([encoding.format == "R" for encoding in ENCODINGS])
_READS_RS1 = np.array([encoding.reads_rs1 for encoding in ENCODINGS])
_READS_RS2 = np.array([encoding.reads_rs2 for encoding in ENCODINGS])
_WRITES_RD = np.array([encoding.writes_rd for encoding in ENCODINGS])
_ROW_OF = np.array(
    [ROWS.index(f"{e.name} taken" if e.format == "B" else e.name) for e in ENCODINGS], np.int64
)
_FIRST_ILLEGAL = len(ROWS) - len(ILLEGAL_PATTERNS)
_N_OPERANDS, _N_HAZARDS = len(OPERANDS), len(HAZARDS)


@njit(cache=True, nogil=True)
def immediate(index: int, insn: int) -> int:
    """Immediate of an instruction by its format (0 to 2**32 - 1), format I where it has none.

    Parameters
    ----------
    index : of the instruction in `bsdgen.isa.encoding.ENCODINGS`, or -1.
    insn : the word, 0 to 2**32 - 1.

    Examples
    --------
    >>> hex(immediate(INSTRUCTIONS.index("sw"), 0xFE112E23))  # sw x1, -4(x2)
    '0xfffffffc'
    """
    high = _M32 if insn & _SIGN else 0
    second = _SECOND_OF[index] if index >= 0 else _IMM_I
    if second == _IMM_S:
        return (high << 12 | (insn >> 25) << 5 | insn >> 7 & 31) & _M32
    if second == _IMM_U:
        return insn & 0xFFFFF000
    if second == _IMM_J:
        low = (insn & 0xFF000) | (insn >> 20 & 1) << 11 | (insn >> 21 & 0x3FF) << 1
        return (high << 20 | low) & _M32
    if index >= 0 and _IS_BRANCH[index]:
        low = (insn >> 7 & 1) << 11 | (insn >> 25 & 0x3F) << 5 | (insn >> 8 & 0xF) << 1
        return (high << 12 | low) & _M32
    return (high << 12 | insn >> 20) & _M32


@njit(cache=True, nogil=True)
def _lone(word: int) -> bool:
    return (word != 0) & (word & (word - 1) == 0)


@njit(cache=True, nogil=True)
def _at_border(word: int) -> bool:
    return (word == 0x7FFFFFFF) | (word == 0x80000000)


# The last condition that holds decides: chosen values without a jump are twice as fast as early returns.
@njit(cache=True, nogil=True)
def _of_sum(a: int, b: int, lowest: int, alu: bool, negative: bool) -> int:
    total = (a + b) & _M32
    carries = a ^ b ^ total  # bit k: the carry into bit k
    need = -(2 << lowest) & _M32
    overflow = (a ^ total) & (b ^ total) & _SIGN != 0
    wrap = (a + b > _M32) != (b & _SIGN != 0)  # b is signed: without a wrap a negative one carries out
    found = _NEGATIVE if negative else _ORDINARY
    found = _WRAP if wrap and not alu else found
    found = _OVERFLOW if overflow and alu else found
    found = _BORDER if _at_border(a) | _at_border(b) else found
    found = _ONES if (a == _M32) | (b == _M32) else found
    found = _EQUAL if a == b else found
    found = _OPPOSITE if total == 0 else found
    found = _ZERO if (a == 0) | (b == 0) else found
    return _CARRY if carries & need == need else found


@njit(cache=True, nogil=True)
def _of_difference(a: int, b: int) -> int:
    difference = (a - b) & _M32
    apart = a ^ b
    found = _SIGNS if apart & _SIGN else _ORDINARY
    found = _OVERFLOW if apart & (a ^ difference) & _SIGN else found
    found = _BORDER if _at_border(a) | _at_border(b) else found
    found = _ONES if (a == _M32) | (b == _M32) else found
    found = _ZERO if (a == 0) | (b == 0) else found
    found = _ONE_BIT if _lone(apart) else found
    found = _OFF_BY_ONE if (difference == 1) | (difference == _M32) else found
    found = _CARRY if (apart ^ difference) >= 0xFFFFFFFE else found  # borrows into bits 1 to 31
    return _EQUAL if a == b else found


@njit(cache=True, nogil=True)
def _of_logic(a: int, b: int) -> int:
    found = _LONE if _lone(a) | _lone(b) else _ORDINARY
    found = _ONES if (a == _M32) | (b == _M32) else found
    found = _ZERO if (a == 0) | (b == 0) else found
    found = _OPPOSITE if a ^ b == _M32 else found
    return _EQUAL if a == b else found


@njit(cache=True, nogil=True)
def _of_shift(a: int, b: int, by_register: bool) -> int:
    amount = b & 31
    found = _NEGATIVE if a & _SIGN else _ORDINARY
    found = _BEYOND if (b > 31) & by_register else found
    found = _LONE if _lone(a) else found
    found = _ONES if a == _M32 else found
    found = _ZERO if a == 0 else found
    found = _AMOUNT_31 if amount == 31 else found
    return _AMOUNT_0 if amount == 0 else found


@njit(cache=True, nogil=True)
def _registers(index: int, insn: int) -> int:
    """Hazard by registers."""
    rd, rs1, rs2 = insn >> 7 & 31, insn >> 15 & 31, insn >> 20 & 31
    if _WRITES_RD[index] and rd == 0:
        return 4
    if _READS_RS1[index] and rs1 == 0:
        return 5
    if _READS_RS2[index] and rs2 == 0:
        return 6
    if _WRITES_RD[index] and _READS_RS1[index] and rd == rs1:
        return 7
    if _WRITES_RD[index] and _READS_RS2[index] and rd == rs2:
        return 8
    if _READS_RS1[index] and _READS_RS2[index] and rs1 == rs2:
        return 9
    return 0


@njit(cache=True, nogil=True)
def _illegal(insn: int) -> int:
    """Position in `ILLEGAL_PATTERNS` of a word that is no instruction."""
    opcode = insn & 0x7F
    funct3 = insn >> 12 & 7
    if insn & 3 != 3:
        return 0
    if insn & 0x1F == 0x1F:
        return 1
    if opcode == 0x03:
        return 2
    if opcode == 0x23:
        return 3
    if opcode == 0x63:
        return 4
    if opcode == 0x67:
        return 5
    if opcode == 0x13:
        return 6
    if opcode == 0x33:
        return 7 if insn >> 25 == 1 else 8
    if opcode == 0x0F:
        return 9
    if opcode == 0x73:
        return 10 if funct3 & 3 else 11
    return 12


@njit(cache=True, nogil=True)
def _negative_datum(insn: int, address: int, mem: int) -> bool:
    """Whether the sign bit of what a load takes from the word is set."""
    width = insn >> 12 & 3
    if width == 0:
        return mem >> ((address & 3) * 8 + 7) & 1 != 0
    if width == 1:
        return mem >> ((address & 2) * 8 + 15) & 1 != 0
    return mem & _SIGN != 0


@njit(cache=True, nogil=True)
def _taken(insn: int, rs1: int, rs2: int) -> bool:
    kind = insn >> 13 & 3
    if kind == 0:
        holds = rs1 == rs2
    elif kind == 2:
        holds = (rs1 ^ _SIGN) < (rs2 ^ _SIGN)
    else:
        holds = rs1 < rs2
    return holds != (insn & 0x1000 != 0)


@njit(cache=True, nogil=True)
def cell_of(insn: int, pc: int, rs1: int, rs2: int, mem: int) -> int:
    """Number of the cell of a row.

    Parameters
    ----------
    insn, pc, rs1, rs2, mem : words as int64, 0 to 2**32 - 1, as of `bsdgen.isa.step.step`.

    Returns
    -------
    Flat index into an array of shape `SHAPE`.

    Examples
    --------
    >>> words = np.unravel_index(cell_of(0x00208033, 0, 7, 7, 0), SHAPE)  # add x0, x1, x2
    >>> ROWS[words[0]], OPERANDS[words[1]], HAZARDS[words[2]]
    ('add', 'equal', 'rd = x0')
    """
    index = decode(insn)
    if index < 0:
        return (_FIRST_ILLEGAL + _illegal(insn)) * _N_OPERANDS * _N_HAZARDS
    row = _ROW_OF[index]
    kind = _KIND[index]
    imm = immediate(index, insn)
    a = pc if _FIRST_OF[index] == _PC else rs1
    b = rs2 if _SECOND_OF[index] == _RS2 else imm
    align = 0
    operand = _ORDINARY
    if kind == _SUM:
        address = (a + b) & _M32
        negative = _LOADS[index] and _negative_datum(insn, address, mem)
        operand = _of_sum(a, b, _LOWEST[index], _ALU[index], negative)
        if _ACCESSES[index] or index == _JAL:
            align = address & 3
        elif index == _JALR:
            align = address & 2
    elif kind == _DIFFERENCE:
        operand = _of_difference(a, b)
        if _IS_BRANCH[index]:
            if _taken(insn, rs1, rs2):
                align = (pc + imm) & 3
            else:
                row += 1
    elif kind == _LOGIC:
        operand = _of_logic(a, b)
    elif kind == _SHIFT:
        operand = _of_shift(a, b & 31 if not _IS_R[index] else b, _IS_R[index])
    hazard = align if align else _registers(index, insn)
    return int((row * _N_OPERANDS + operand) * _N_HAZARDS + hazard)


@njit(cache=True, nogil=True)
def _cells(columns: NDArray[np.uint32], out: NDArray[np.intp]) -> None:  # pragma: no cover - compiled
    for i in range(columns.shape[1]):
        out[i] = cell_of(
            np.int64(columns[0, i]),  # type: ignore[arg-type]
            np.int64(columns[1, i]),  # type: ignore[arg-type]
            np.int64(columns[2, i]),  # type: ignore[arg-type]
            np.int64(columns[3, i]),  # type: ignore[arg-type]
            np.int64(columns[4, i]),  # type: ignore[arg-type]
        )


def cells_of(columns: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Number of each row's cell: intp, shape (n,).

    Parameters
    ----------
    columns : uint32, shape (5, n)
        insn, pc_rdata, rs1_rdata, rs2_rdata, mem_rdata.
    """
    out = np.empty(columns.shape[1], np.intp)
    _cells(np.ascontiguousarray(columns, np.uint32), out)
    return out


def count_cells(columns: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Count rows by cell: int64, shape `SHAPE`; `columns` as of `cells_of`."""
    return np.bincount(cells_of(columns), minlength=N_CELLS).astype(np.int64).reshape(SHAPE)
