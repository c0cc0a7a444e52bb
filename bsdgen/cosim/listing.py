"""Rows of the scoreboard as text: what retired, and where it differs from the reference."""

from collections.abc import Sequence

import numpy as np

from bsdgen.cosim.scoreboard import FIELDS, U32, differing_fields, field_value
from bsdgen.isa.disassembly import disassemble


def retired_line(row: U32) -> str:
    """One retired instruction, uint32 of shape (12,), with what it wrote.

    >>> row = np.zeros(12, np.uint32)
    >>> row[[0, 3, 4, 8]] = 1 << 10, 0x00500093, 0x80000000, 5
    >>> retired_line(row)
    '0  0x80000000  00500093  addi x1, x0, 5  x1 = 0x00000005'
    """
    value = {name: field_value(row, name) for name in FIELDS}
    pc, insn = value["pc_rdata"], value["insn"]
    parts = [f"{value['order']}", f"{pc:#010x}", f"{insn:08x}", disassemble(insn, pc)]
    if value["trap"]:
        parts.append("trap")
    if value["rd_addr"]:
        parts.append(f"x{value['rd_addr']} = {value['rd_wdata']:#010x}")
    if value["mem_wmask"]:
        parts.append(
            f"[{value['mem_addr']:#010x}] = {value['mem_wdata']:#010x}, bytes {value['mem_wmask']:04b}"
        )
    return "  ".join(parts)


def retired_lines(rows: Sequence[Sequence[int]] | U32) -> list[str]:
    """Lines of several rows."""
    return [retired_line(np.asarray(row, np.uint32)) for row in rows]


def hang_text(retired: int) -> str:
    """What a core that retires nothing any more is told by."""
    return f"the core hangs: nothing retires after {retired} instructions"


def divergence(seen: U32, wanted: U32, care: U32) -> tuple[int, str]:
    """How many fields of a row differ from the reference, and a text about them.

    Parameters
    ----------
    seen, wanted, care : uint32, shape (12,)
    """
    names = differing_fields(seen, wanted, care)
    pc, insn = field_value(wanted, "pc_rdata"), field_value(wanted, "insn")
    told = []
    for name in names:
        digits = max(1, FIELDS[name][2] // 4)
        told.append(
            f"{name} is {field_value(seen, name):#0{digits + 2}x}, "
            f"reference {field_value(wanted, name):#0{digits + 2}x}"
        )
    at = field_value(wanted, "order")
    return len(names), f"instruction {at} at pc {pc:#010x} ({disassemble(insn, pc)}): {'; '.join(told)}"
