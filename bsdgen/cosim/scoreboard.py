"""What a retired instruction must look like on the RVFI port, and where it does not.

A *row* is the RVFI port at one retirement: twelve words of 32 bits, as the window of ``sim/bench.v`` packs
them, with two bits that say whether the bus did what the port shows. `FIELDS` is the Python side of that
layout. This module runs inside the simulator: it needs numpy alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U32 = NDArray[np.uint32]
ROW_WORDS = 12
_ALL = np.uint32(0xFFFFFFFF)

# name: (word, lowest bit, width); order is two words.
FIELDS: dict[str, tuple[int, int, int]] = {
    "rs1_addr": (0, 0, 5),
    "rs2_addr": (0, 5, 5),
    "rd_addr": (0, 10, 5),
    "mem_rmask": (0, 15, 4),
    "mem_wmask": (0, 19, 4),
    "trap": (0, 23, 1),
    "halt": (0, 24, 1),
    "intr": (0, 25, 1),
    "mode": (0, 26, 2),
    "ixl": (0, 28, 2),
    "bus_conflict": (0, 30, 1),
    "bus_stray": (0, 31, 1),
    "order": (1, 0, 64),
    "insn": (3, 0, 32),
    "pc_rdata": (4, 0, 32),
    "pc_wdata": (5, 0, 32),
    "rs1_rdata": (6, 0, 32),
    "rs2_rdata": (7, 0, 32),
    "rd_wdata": (8, 0, 32),
    "mem_addr": (9, 0, 32),
    "mem_rdata": (10, 0, 32),
    "mem_wdata": (11, 0, 32),
}

BUS_FIELDS = ("bus_conflict", "bus_stray")
"""Never 1: the bus does something else than the port shows, or the core retires while it is held; an access
between two retirements."""

# In which order differences are told: what explains the others comes first.
_TELL = (
    "pc_rdata",
    "insn",
    "trap",
    "rs1_addr",
    "rs2_addr",
    "rs1_rdata",
    "rs2_rdata",
    "mem_addr",
    "mem_rmask",
)
TELL: tuple[str, ...] = _TELL + tuple(name for name in FIELDS if name not in _TELL)


@dataclass(frozen=True, eq=False)
class Expected:
    """What the reference retired, as the port shows it.

    Attributes
    ----------
    rows, care : uint32, shape (n, 12)
        Bits with care 0 mean nothing and are not compared.
    """

    rows: U32
    care: U32

    @property
    def n(self) -> int:
        """Instructions."""
        return int(self.rows.shape[0])


def byte_lanes(mask: U32) -> U32:
    """Masks of bytes (bit 0: lowest byte) as masks of bits.

    >>> [hex(lanes) for lanes in byte_lanes(np.array([0, 1, 15, 12], np.uint32))]
    ['0x0', '0xff', '0xffffffff', '0xffff0000']
    """
    lanes = np.zeros(mask.shape, np.uint32)
    for byte in range(4):
        lanes |= (mask >> np.uint32(byte) & np.uint32(1)) * np.uint32(0xFF << 8 * byte)
    return lanes


def _place(table: U32, name: str, values: U32) -> None:
    word, low, width = FIELDS[name]
    mask = _ALL if width == 32 else np.uint32((1 << width) - 1)
    table[:, word] |= (values & mask) << np.uint32(low)


def expected_rows(rows: Mapping[str, U32], trap_pc: int) -> Expected:
    """The reference's rows as the port must show them.

    Parameters
    ----------
    rows : uint32 arrays of shape (n,): the fields of the RVFI schema and ``<output>_care``, in order of
    retirement.
    trap_pc : where a trap continues.
    """
    n = len(rows["insn"])
    every = np.full(n, _ALL)
    trap, rd, rmask, wmask = rows["trap"], rows["rd_addr"], rows["mem_rmask"], rows["mem_wmask"]
    access = (rmask | wmask) != 0
    # The shell shows 0 where RVFI has nothing to say, so those bits are compared; the rest as far as they are
    # cared.
    values = {
        name: rows[name] for name in ("insn", "pc_rdata", "rs1_rdata", "rs2_rdata", "rs1_addr", "rs2_addr")
    }
    values |= {"rd_addr": rd, "mem_rmask": rmask, "mem_wmask": wmask, "trap": trap}
    values |= {
        "intr": np.concatenate([np.zeros(1, np.uint32), trap[:-1]])[:n],
        "mode": np.full(n, 3, np.uint32),
        "ixl": np.full(n, 1, np.uint32),
        "pc_wdata": np.where(trap != 0, np.uint32(trap_pc), rows["pc_wdata"]),
        "rd_wdata": np.where(rd != 0, rows["rd_wdata"], np.uint32(0)),
        "mem_addr": np.where(access, rows["mem_addr"], np.uint32(0)),
        "mem_rdata": rows["mem_rdata"] & byte_lanes(rmask),
        "mem_wdata": rows["mem_wdata"] & byte_lanes(wmask),
    }
    cares = {name: every for name in values} | dict.fromkeys(("halt", *BUS_FIELDS), every)
    cares |= {name: rows[f"{name}_care"] for name in ("rs1_addr", "rs2_addr", "rd_addr", "trap")}
    cares |= {name: rows[f"{name}_care"] for name in ("mem_rmask", "mem_wmask")}
    for name in ("rs1", "rs2"):
        cares[f"{name}_rdata"] = np.where(rows[f"{name}_addr_care"] != 0, _ALL, np.uint32(0))
    cares["pc_wdata"] = np.where(trap != 0, _ALL, rows["pc_wdata_care"])
    cares["rd_wdata"] = np.where(rd != 0, rows["rd_wdata_care"], _ALL)
    cares["mem_addr"] = np.where(access, rows["mem_addr_care"], _ALL)
    cares["mem_wdata"] = rows["mem_wdata_care"] | ~byte_lanes(wmask)
    table, care = np.zeros((n, ROW_WORDS), np.uint32), np.zeros((n, ROW_WORDS), np.uint32)
    for name, column in values.items():
        _place(table, name, column.astype(np.uint32))
    for name, column in cares.items():
        _place(care, name, column.astype(np.uint32))
    table[:, 1] = np.arange(n, dtype=np.uint32)  # order; its high word is 0
    care[:, 1:3] = _ALL
    return Expected(table, care)


def registers_before(expected: Expected, at: int) -> U32:
    """What x0 to x31 hold before row `at` retires, all 0 at first."""
    registers = np.zeros(32, np.uint32)
    for row in range(at):
        _write(registers, expected.rows[row])
    return registers


def _write(registers: U32, row: U32) -> None:
    number = field_value(row, "rd_addr")
    if number:
        registers[number] = field_value(row, "rd_wdata")


def with_registers(expected: Expected, seen: U32, start: int, registers: U32) -> Expected:
    """The reference's rows that were seen, with what they show of a register that nothing reads.

    Any number may stand in rs1_addr there, but rs1_rdata is the register of that number (RVFI), and so for
    rs2. The reference knows no such number, so its row is completed by the one that was seen.

    Parameters
    ----------
    seen : uint32, shape (n, 12): rows that retired, the first being number `start`.
    registers : what x0 to x31 hold before row `start`; afterwards, what they hold behind the last one.
    """
    stop = min(start + len(seen), expected.n)
    rows, care = expected.rows[start:stop].copy(), expected.care[start:stop].copy()
    for at, row in enumerate(rows):
        for name in ("rs1", "rs2"):
            value = FIELDS[f"{name}_rdata"][0]
            if not care[at, value]:
                row[value], care[at, value] = registers[field_value(seen[at], f"{name}_addr")], _ALL
        _write(registers, row)
    return Expected(rows, care)


def first_difference(seen: U32, expected: Expected, start: int, registers: U32 | None = None) -> int | None:
    """Position in `seen` of the first row that differs from the reference, or None.

    Parameters
    ----------
    seen : uint32, shape (n, 12): rows that retired, the first being number `start`.
    registers : as of `with_registers`; None: those that nothing reads are not compared.
    """
    stop = min(start + len(seen), expected.n)
    known = stop - start
    of = Expected(expected.rows[start:stop], expected.care[start:stop])
    if registers is not None:
        of = with_registers(expected, seen, start, registers)
    wrong = ((seen[:known] ^ of.rows) & of.care).any(axis=1)
    if wrong.any():
        return int(wrong.argmax())
    return known if known < len(seen) else None


def field_value(row: U32, name: str) -> int:
    """Value of a field in one row."""
    word, low, width = FIELDS[name]
    if width == 64:
        return int(row[word]) | int(row[word + 1]) << 32
    return int(row[word]) >> low & ((1 << width) - 1)


def differing_fields(row: U32, wanted: U32, care: U32) -> list[str]:
    """Names of the fields in which a row differs where it is cared, the most telling first."""
    wrong = (row ^ wanted) & care
    return [name for name in TELL if field_value(wrong, name)]
