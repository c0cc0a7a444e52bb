import re
from pathlib import Path

import numpy as np
import pytest

from bsdgen.cosim.scoreboard import (
    FIELDS,
    ROW_WORDS,
    TELL,
    Expected,
    differing_fields,
    expected_rows,
    field_value,
    first_difference,
    registers_before,
    with_registers,
)
from bsdgen.traces.schema import RVFI_SCHEMA

TRAP_PC = 0x80000004


def reference(**values):
    """One retired `add x3, x1, x2`, with some values changed."""
    row = {field.name: 0 for field in RVFI_SCHEMA.fields}
    row |= {f"{field.name}_care": 2**field.width - 1 for field in RVFI_SCHEMA.outputs}
    row |= {"insn": 0x002081B3, "pc_rdata": 0x80000010, "pc_wdata": 0x80000014}
    row |= {"rs1_addr": 1, "rs2_addr": 2, "rd_addr": 3, "rs1_rdata": 5, "rs2_rdata": 6, "rd_wdata": 11}
    row |= {"mem_addr_care": 0, "mem_wdata_care": 0}
    return {name: np.array([value], np.uint32) for name, value in (row | values).items()}


def test_layout_covers_every_bit_once():
    seen = np.zeros(ROW_WORDS * 32, np.int64)
    for word, low, width in FIELDS.values():
        seen[word * 32 + low : word * 32 + low + width] += 1
    assert seen.max() == 1
    assert seen.sum() == len(seen)
    assert sorted(TELL) == sorted(FIELDS)


def test_layout_is_the_benchs():
    """The concatenations of the bench, read from its source, are the order of FIELDS."""
    text = (Path(__file__).parents[2] / "sim/bench.v").read_text()
    aliases = {"shown_addr": "mem_addr", "mrdata": "mem_rdata", "shown_wdata": "mem_wdata"}
    aliases |= {"rmask": "mem_rmask", "wmask": "mem_wmask"}
    aliases |= {"conflict": "bus_conflict", "stray": "bus_stray"}
    flags = re.search(r"flags = \{(.*?)\}", text, re.DOTALL).group(1)
    row = re.search(r"row = \{(.*?)\}", text, re.DOTALL).group(1)
    names = [name.strip() for name in row.replace("flags", flags).split(",")][::-1]
    assert [aliases.get(name, name) for name in names] == list(FIELDS)


def test_zeros_of_rvfi():
    store = reference(
        rd_addr=0, rd_wdata=99, rd_wdata_care=0, mem_addr=0x80001000, mem_wmask=12, mem_wdata=0xAABBCCDD,
        mem_addr_care=0xFFFFFFFF, mem_wdata_care=0xFFFF0000, mem_rdata=7,
    )  # fmt: skip
    want = expected_rows(store, TRAP_PC)
    row, care = want.rows[0], want.care[0]
    assert field_value(row, "rd_wdata") == 0
    assert field_value(row, "mem_wdata") == 0xAABB0000
    assert field_value(row, "mem_rdata") == 0
    assert field_value(row, "mem_addr") == 0x80001000
    assert all(field_value(care, name) == 0xFFFFFFFF for name in ("rd_wdata", "mem_wdata", "mem_rdata"))
    assert (field_value(row, "mode"), field_value(row, "ixl")) == (3, 1)


def test_a_trap_continues_at_its_place_and_interrupts_the_next():
    trap = reference(trap=1, rd_addr=0, pc_wdata=0x123, pc_wdata_care=0)
    rows = {name: np.concatenate([trap[name], column]) for name, column in reference().items()}
    want = expected_rows(rows, TRAP_PC)
    assert field_value(want.rows[0], "pc_wdata") == TRAP_PC
    assert field_value(want.care[0], "pc_wdata") == 0xFFFFFFFF
    assert [field_value(row, "intr") for row in want.rows] == [0, 1]
    assert [field_value(row, "order") for row in want.rows] == [0, 1]


def test_sources_that_nothing_reads_are_not_compared():
    want = expected_rows(reference(rs2_addr_care=0), TRAP_PC)
    seen = want.rows.copy()
    word, low, _ = FIELDS["rs2_addr"]
    seen[0, word] ^= 1 << low
    seen[0, FIELDS["rs2_rdata"][0]] ^= 0xFFFF
    assert first_difference(seen, want, 0) is None
    seen[0, FIELDS["rs1_rdata"][0]] ^= 1
    assert first_difference(seen, want, 0) == 0


def test_a_register_that_nothing_reads_is_the_one_whose_number_is_shown():
    """RVFI: any number may stand there, but the value is what that register held before."""
    two = reference(rs2_addr_care=0), reference(rs2_addr_care=0)
    rows = {name: np.concatenate([column, two[1][name]]) for name, column in two[0].items()}
    want = expected_rows(rows, TRAP_PC)
    seen = want.rows.copy()
    word, low, _ = FIELDS["rs2_addr"]
    value = FIELDS["rs2_rdata"][0]
    seen[:, word] = seen[:, word] & ~np.uint32(31 << low) | np.uint32(3 << low)  # x3, which both write
    seen[:, value] = 0, 11
    assert first_difference(seen, want, 0, registers_before(want, 0)) is None
    assert first_difference(seen[1:], want, 1, registers_before(want, 1)) is None
    seen[1, value] = 0
    registers = registers_before(want, 0)
    assert first_difference(seen, want, 0, registers) == 1 and registers[3] == 11
    of = with_registers(want, seen[1:], 1, registers_before(want, 1))
    assert differing_fields(seen[1], of.rows[0], of.care[0]) == ["rs2_rdata"]
    seen[0, word] &= ~np.uint32(31 << low)  # x0
    seen[0, value] = 1
    assert first_difference(seen, want, 0, registers_before(want, 0)) == 0


@pytest.mark.parametrize("name", FIELDS)
def test_every_bit_of_every_field_is_compared(name):
    store = reference(mem_wmask=15, mem_wdata_care=0xFFFFFFFF, mem_addr_care=0xFFFFFFFF)
    want = expected_rows(store, TRAP_PC)
    word, low, width = FIELDS[name]
    for bit in range(width):
        seen = want.rows.copy()
        seen[0, word + (low + bit) // 32] ^= 1 << (low + bit) % 32
        assert first_difference(seen, want, 0) == 0
        assert differing_fields(seen[0], want.rows[0], want.care[0]) == [name]


def test_blocks():
    n = 10
    rows = np.arange(n * ROW_WORDS, dtype=np.uint32).reshape(n, ROW_WORDS)
    want = Expected(rows, np.full_like(rows, 0xFFFFFFFF))
    assert first_difference(rows[4:8], want, 4) is None
    wrong = rows[4:8].copy()
    wrong[2, 5] ^= 1
    assert first_difference(wrong, want, 4) == 2
    assert (
        first_difference(np.concatenate([rows[8:], rows[:1]]), want, 8) == 2
    )  # retires after the reference's end
