"""Which cells there can be, each with a row that is in it.

A cell is called possible if some row of the corners below is in it: every instruction with relations of its
registers, second operands and immediates at the ends of their ranges, and first operands that are corners
themselves or stand in a relation to the second. A row of a running machine is bound further: its pc is word
aligned, x0 reads as 0, and a register that is read twice has one value. What no corner reaches is taken for
impossible; tests hold that against what is drawn at random.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bsdgen.coverage.cells import ILLEGAL_PATTERNS, N_CELLS, SHAPE, cells_of
from bsdgen.isa.encoding import ENCODINGS, Encoding

U32 = NDArray[np.uint32]

# rd, rs1, rs2: one relation each, in every combination that the order of hazards lets through.
_REGISTERS = ((1, 2, 3), (0, 2, 3), (1, 0, 3), (1, 2, 0), (2, 2, 3), (3, 2, 3), (1, 2, 2), (1, 0, 0))
_WORDS = np.array(
    [
        *(0, 1, 2, 3, 4, 5, 7, 8, 0x100, 0x1000, 0x12345678, 0x55555555, 0x7FFFFFFE, 0x7FFFFFFF),
        *(0x80000000, 0x80000001, 0x87654321, 0xAAAAAAAA, 0xFFFFF000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF),
        *(31, 32, 63, 0x40000000, 0x80000020),
    ],
    np.uint32,
)
_IMMEDIATES = {
    "I": np.array([*range(-9, 10), 12, 31, 100, 0x155, 0x2AA, 2044, 2046, 2047, -2048, -2047, -100]),
    "B": np.array([8, 10, -8, -6, 0, 4094, -4096]),
    "U": np.array([0, 1, 2, 3, 4, 0x7FFFE, 0x7FFFF, 0x80000, 0x80001, 0xFFFFE, 0xFFFFF, 0x12345, 0x92345]),
    "J": np.array([*range(-12, 14, 2), 100, 0xFFFFC, 0xFFFFE, -0x100000, -0xFFFFE, 0x55554]),
    "shift": np.array([0, 1, 2, 7, 30, 31]),
}
_IMMEDIATES["S"] = _IMMEDIATES["I"]
_PC = 0x80000100


@dataclass(frozen=True, eq=False)
class Possible:
    """Cells that can be, with a row each.

    Attributes
    ----------
    cells : bool, shape `SHAPE`
    rows : uint32, shape (5, n_cells)
        By cell's number: insn, pc_rdata, rs1_rdata, rs2_rdata, mem_rdata of the first row found; 0 where none
        was.
    """

    cells: NDArray[np.bool_] = field(repr=False)
    rows: U32 = field(repr=False)


@lru_cache(maxsize=2)
def possible(*, machine: bool) -> Possible:
    """Cells of any row, or those of rows that a running machine can have.

    Examples
    --------
    >>> bool((possible(machine=True).cells <= possible(machine=False).cells).all())
    True
    """
    met = np.zeros(N_CELLS, np.bool_)
    first = np.zeros((5, N_CELLS), np.uint32)
    for encoding in ENCODINGS:
        _meet(_machine_rows(encoding, _rows(encoding)) if machine else _rows(encoding), met, first)
    words = np.zeros((5, len(ILLEGAL_PATTERNS)), np.uint32)
    words[0] = _ILLEGAL
    words[1] = _PC
    _meet(words, met, first)
    return Possible(met.reshape(SHAPE), first)


# A word of each pattern, in the order of ILLEGAL_PATTERNS.
_ILLEGAL = np.array(
    [
        *(0x00000000, 0x0000001F, 0x00003003, 0x00003023, 0x00002063, 0x00001067, 0x40001013),
        *(0x02000033, 0x40007033, 0x0000100F, 0x30001073, 0x30200073, 0x0000002F),
    ],
    np.uint32,
)


def _meet(rows: U32, met: NDArray[np.bool_], first: U32) -> None:
    """Mark the cells of rows, and keep the first row of each cell that was not met before."""
    cells, at = np.unique(cells_of(rows), return_index=True)
    new = ~met[cells]
    first[:, cells[new]] = rows[:, at[new]]
    met[cells] = True


def _encode(encoding: Encoding, imm: NDArray[np.int64]) -> U32:
    """Words of one instruction with registers 0 and these immediates."""
    u = imm & 0xFFFFFFFF
    match encoding.format:
        case "I":
            bits = (u & 0xFFF) << 20
        case "S":
            bits = (u >> 5 & 0x7F) << 25 | (u & 31) << 7
        case "B":
            bits = (u >> 12 & 1) << 31 | (u >> 5 & 63) << 25 | (u >> 1 & 15) << 8 | (u >> 11 & 1) << 7
        case "U":
            bits = (u & 0xFFFFF) << 12
        case "J":
            bits = (u >> 20 & 1) << 31 | (u >> 1 & 0x3FF) << 21 | (u >> 11 & 1) << 20 | (u >> 12 & 0xFF) << 12
        case "shift":
            bits = (u & 31) << 20
        case _:
            bits = np.zeros_like(u)
    return (bits | encoding.match).astype(np.uint32)


def _against(b: U32) -> U32:
    """First operands for each second one: corners, and relations to it; shape (n_relations, len(b))."""
    parts = [np.full_like(b, word) for word in _WORDS]
    parts += [b, ~b, -b, b ^ np.uint32(1), b ^ np.uint32(16), b ^ np.uint32(0x80000000)]
    for k in range(8):
        # Sums of any low bits; a carry from bit k up, whatever is below it.
        step = np.uint32(k)
        parts += [b + step, b - step, step - b, (~b & ~np.uint32(7)) + step]
        carry = ~b ^ np.uint32(1 << k)
        parts += [carry, carry & ~np.uint32(3), carry ^ np.uint32(3), b ^ np.uint32(0xFFFFFFF8) ^ step]
    # 0 minus 1 below, equal above: the borrow of a difference runs through all bits.
    parts += [(b | np.uint32(1)) ^ np.uint32(1), b & ~np.uint32(1), ~b ^ np.uint32(0x1000)]
    parts += [(~b ^ np.uint32(0x1000)) & ~np.uint32(3), -b & ~np.uint32(3)]
    return np.array(parts)


def _rows(encoding: Encoding) -> U32:
    """Rows of one instruction: uint32, shape (5, n)."""
    imm = _IMMEDIATES.get(encoding.format, np.zeros(1, np.int64))
    words = _encode(encoding, imm)
    if encoding.format in ("R", "B"):
        second = np.concatenate([_WORDS, _WORDS | np.uint32(1)])
    else:
        second = (imm << 12 if encoding.format == "U" else imm).astype(np.uint32)
    first = _against(second)
    n = first.size
    by_immediate = np.broadcast_to(np.arange(second.size), first.shape).ravel() % words.size
    rows = np.zeros((5, n), np.uint32)
    rows[0] = words[by_immediate]
    rows[1] = first.ravel() if encoding.name in ("auipc", "jal") else _PC
    rows[2] = first.ravel()
    rows[3] = np.broadcast_to(second, first.shape).ravel() if encoding.format in ("R", "B") else 5
    variants = [rows]
    if encoding.format == "B":
        variants = []
        for offset in range(4):  # where a taken branch goes to
            for word in words:
                turned = rows.copy()
                turned[0], turned[1] = word, _PC + offset
                variants.append(turned)
    if encoding.match & 0x7F == 0x03:
        variants.append(rows.copy())
        variants[-1][4] = 0xFFFFFFFF
    return _with_registers(encoding, np.concatenate(variants, axis=1))


def _with_registers(encoding: Encoding, rows: U32) -> U32:
    parts = []
    for rd, rs1, rs2 in _REGISTERS:
        part = rows.copy()
        if encoding.writes_rd:
            part[0] |= np.uint32(rd << 7)
        if encoding.reads_rs1:
            part[0] |= np.uint32(rs1 << 15)
        if encoding.reads_rs2:
            part[0] |= np.uint32(rs2 << 20)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def _machine_rows(encoding: Encoding, rows: U32) -> U32:
    """Those rows that a running machine can have: what contradicts itself is made to agree."""
    rows = rows.copy()
    rows[1] &= ~np.uint32(3)
    rs1, rs2 = rows[0] >> 15 & 31, rows[0] >> 20 & 31
    if encoding.reads_rs1:
        rows[2][rs1 == 0] = 0
    if encoding.reads_rs2:
        rows[3][rs2 == 0] = 0
        same = rs1 == rs2
        rows[3][same] = rows[2][same]
    return rows
