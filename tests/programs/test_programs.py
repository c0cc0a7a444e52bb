"""The committed programs: that they pass, what they reach, and that they are what their sources say."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from broken_core import run_broken
from cross_compiler import need_compiler
from numpy.typing import NDArray

from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, INSTRUCTIONS
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import Run, run_program
from bsdgen.isa.step import classify

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "sim" / "programs"
ELFS = sorted(FOLDER.glob("*.elf"))
NAMES = [path.stem for path in ELFS]

Rows = dict[str, NDArray[np.uint32]]


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {path.stem: run_program(load_program(path), max_steps=200_000) for path in ELFS}


@pytest.fixture(scope="module")
def rows(runs: dict[str, Run]) -> Rows:
    """Rows of all programs behind each other, with `kind`, an index into INSTRUCTIONS or -1."""
    names = next(iter(runs.values())).rows
    joined = {name: np.concatenate([run.rows[name] for run in runs.values()]) for name in names}
    return joined | {"kind": classify(joined["insn"])}


def of(rows: Rows, name: str) -> Rows:
    selected = rows["kind"] == INSTRUCTIONS.index(name)
    return {column: values[selected] for column, values in rows.items()}


def names_with(*formats: str) -> list[str]:
    return [encoding.name for encoding in ENCODINGS if encoding.format in formats]


BRANCHES = names_with("B")
LOADS = {"lb": 1, "lh": 2, "lw": 4, "lbu": 1, "lhu": 2}
STORES = {"sb": 1, "sh": 2, "sw": 4}
VICTIMS = {
    "ackermann": "add", "compare": "sltu", "crc32": "xor", "fixed": "slli", "immediates": "slti",
    "jumps": "jalr", "memory": "lhu", "queens": "and", "sha256": "or", "shifts": "sra", "sieve": "bltu",
    "sort": "blt", "strings": "lbu", "traps": "ecall",
}  # fmt: skip
FENCE_I, CSRW_MTVEC = 0x0000100F, 0x30529073


def immediate(insn: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Immediate I as a word."""
    return (insn.view(np.int32) >> 20).view(np.uint32)


# -- each program ------------------------------------------------------------------------------------------


def test_there_are_programs_of_all_kinds() -> None:
    assert {path.stem for path in (FOLDER / "src").glob("*.[cS]")} - {"start", "runtime"} == {
        name for name in NAMES if not name.startswith("random-")
    }
    assert len(NAMES) >= 12
    assert [name for name in NAMES if name.startswith("random-")] == ["random-1", "random-2", "random-3"]


@pytest.mark.parametrize("path", ELFS, ids=NAMES)
def test_passes_and_is_small(path: Path, runs: dict[str, Run]) -> None:
    run = runs[path.stem]
    assert run.passed, f"tohost is {run.tohost:#x}: check {run.tohost >> 1} failed"
    assert 5_000 <= run.retired <= 60_000
    assert path.stat().st_size < 30_000


def test_all_together_are_short_enough_to_simulate(runs: dict[str, Run]) -> None:
    assert 300_000 <= sum(run.retired for run in runs.values()) <= 500_000


def test_documentation_has_the_figures_of_every_program(runs: dict[str, Run]) -> None:
    table = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([\w-]+)` \|.*\| ([\d,]+) \| ([\d,]+) \| [\d,]+ \|$", table, re.MULTILINE)
    expected = {(name, f"{run.retired:,}", f"{int(run.rows['trap'].sum()):,}") for name, run in runs.items()}
    assert set(listed) == expected


@pytest.mark.parametrize("path", ELFS, ids=NAMES)
def test_layout_is_the_convention(path: Path) -> None:
    program = load_program(path)
    assert program.entry == program.symbols["_start"] == 0x80000000
    code = min(program.segments, key=lambda segment: segment.address)
    # Trap return: jalr x0, 0(x31).
    assert int.from_bytes(code.data[4:8], "little") == 0x000F8067
    assert program.tohost % 8 == 0
    assert all(0x80000000 <= segment.address < segment.end <= 0x80100000 for segment in program.segments)


@pytest.mark.parametrize("path", ELFS, ids=NAMES)
def test_nothing_of_the_build_is_in_the_file(path: Path) -> None:
    contents = path.read_bytes()
    for text in (b"GCC", b"/home", b"/tmp", b"/root", os.fsencode(ROOT), b".c\0", b"note.gnu.build-id"):
        assert text not in contents


@pytest.mark.parametrize("name", VICTIMS)
def test_a_failed_check_is_seen(name: str) -> None:
    """Break the core, not the program: with a wrong result of some instruction the program must not pass."""
    assert run_broken(load_program(FOLDER / f"{name}.elf"), VICTIMS[name], max_steps=100_000) != 1


# -- what they reach together ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_instruction_occurs(rows: Rows, name: str) -> None:
    assert len(of(rows, name)["insn"]) >= 25


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_meet_every_relation(rows: Rows, name: str) -> None:
    branch = of(rows, name)
    follow = branch["pc_wdata"] == branch["pc_rdata"] + np.uint32(4)
    retired = branch["trap"] == 0
    assert (retired & follow).sum() >= 100
    assert (retired & ~follow).sum() >= 100
    a, b = branch["rs1_rdata"], branch["rs2_rdata"]
    other = branch["rs1_addr"] != branch["rs2_addr"]
    for relation in (a == b, a == b + np.uint32(1), b == a + np.uint32(1), (a ^ b) == 0x80000000):
        assert (relation & other).sum() >= 10
    assert ((a == b) & ~other).sum() >= 10
    backwards = (branch["insn"] >> 31 == 1) & retired & ~follow
    assert backwards.sum() >= 5
    # All bits of the distance, and of both operands, are seen in both states.
    for bits in (branch["insn"] & 0xFE000F80 | 0x01FFF07F, a, b):
        assert np.bitwise_or.reduce(bits) == 0xFFFFFFFF
    for bits in (branch["insn"] & 0xFE000F80, a, b):
        assert np.bitwise_and.reduce(bits) == 0


@pytest.mark.parametrize("name", ["slt", "sltu"])
def test_register_comparisons_meet_every_relation(rows: Rows, name: str) -> None:
    compare = of(rows, name)
    a, b = compare["rs1_rdata"], compare["rs2_rdata"]
    for bit in range(32):
        assert ((a ^ b) == 1 << bit).sum() >= 4
    for relation in (a == b, a == b + np.uint32(1), b == a + np.uint32(1)):
        assert relation.sum() >= 20


@pytest.mark.parametrize("name", ["slti", "sltiu"])
def test_immediate_comparisons_meet_equality(rows: Rows, name: str) -> None:
    compare = of(rows, name)
    imm, value = immediate(compare["insn"]), compare["rs1_rdata"]
    for sign in (imm >> 31 == 0, imm >> 31 == 1):
        for relation in (value == imm, value == imm + np.uint32(1), value + np.uint32(1) == imm):
            assert (relation & sign).sum() >= 15
    assert len(np.unique(imm[value == imm])) >= 30


@pytest.mark.parametrize("name", [*names_with("shift"), "sll", "srl", "sra"])
def test_shifts_have_every_amount(rows: Rows, name: str) -> None:
    shift = of(rows, name)
    amount = shift["rs2_rdata"] if name in ("sll", "srl", "sra") else shift["rs2_addr"]
    counts = np.bincount(amount & 31, minlength=32)
    assert counts.min() >= 4
    if name in ("sll", "srl", "sra"):
        assert np.bitwise_or.reduce(amount) == 0xFFFFFFFF


@pytest.mark.parametrize("name", [*LOADS, *STORES])
def test_accesses_have_every_offset(rows: Rows, name: str) -> None:
    access = of(rows, name)
    insn = access["insn"].view(np.int32)
    offset = insn >> 20 if name in LOADS else (insn >> 25) << 5 | insn >> 7 & 31
    address = access["rs1_rdata"] + offset.astype(np.uint32)
    size = (LOADS | STORES)[name]
    for low in range(4):
        here = address & 3 == low
        for sign in (offset >= 0, offset < 0):
            assert (here & sign).sum() >= 10
        assert (access["trap"][here] == (low % size != 0)).all()
    mask = access["mem_rmask" if name in LOADS else "mem_wmask"]
    assert set(np.unique(mask)) - {0} == {((1 << size) - 1) << low for low in range(0, 4, size)}


@pytest.mark.parametrize("name", ["jal", "jalr", *BRANCHES])
def test_jumps_trap_on_misaligned_targets_only(rows: Rows, name: str) -> None:
    jump = of(rows, name)
    trapped = jump["trap"] == 1
    assert trapped.sum() >= 20
    assert (~trapped).sum() >= 100
    assert (jump["pc_wdata"][~trapped] & 3 == 0).all()


def test_jumps_link_into_every_register(rows: Rows) -> None:
    for name in ("jal", "jalr"):
        jump = of(rows, name)
        assert set(np.unique(jump["insn"] >> 7 & 31)) == set(range(32))
    indirect = of(rows, "jalr")
    odd = (indirect["rs1_rdata"] + immediate(indirect["insn"])) & 1 == 1
    assert ((indirect["trap"] == 0) & odd).sum() >= 50  # bit 0 cleared


def test_every_shape_of_illegal_word_traps(rows: Rows) -> None:
    insn = np.unique(rows["insn"][rows["kind"] == ILLEGAL])
    opcode, funct3, funct7 = insn & 0x7F, insn >> 12 & 7, insn >> 25
    assert set(np.unique(opcode)) >= set(range(128)) - {0x37, 0x17, 0x6F}  # of these every word is legal
    assert (insn & 3 != 3).sum() >= 500  # compressed-looking
    assert set(np.unique(funct3[opcode == 0x63])) == {2, 3}
    assert set(np.unique(funct3[opcode == 0x03])) == {3, 6, 7}
    assert set(np.unique(funct3[opcode == 0x23])) == set(range(3, 8))
    assert set(np.unique(funct3[opcode == 0x67])) == set(range(1, 8))
    assert set(np.unique(funct3[opcode == 0x73])) == set(range(8))
    for wrong in (1, 2, 4, 8, 16, 64, 127):
        assert set(np.unique(funct3[(opcode == 0x33) & (funct7 == wrong)])) == set(range(8))
        assert set(np.unique(funct3[(opcode == 0x13) & (funct7 == wrong)])) >= {1, 5}
    assert set(np.unique(funct3[(opcode == 0x33) & (funct7 == 0x20)])) == {1, 2, 3, 4, 6, 7}
    assert {0, 0xFFFFFFFF, FENCE_I, CSRW_MTVEC} <= set(insn.tolist())
    assert (rows["trap"][rows["kind"] == ILLEGAL] == 1).all()


def test_registers_take_every_role(rows: Rows) -> None:
    for column in ("rs1_addr", "rs2_addr", "rd_addr"):
        assert set(np.unique(rows[column])) == set(range(32))


# -- sources -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything compiled again, in another place."""
    need_compiler()
    place = tmp_path_factory.mktemp("elsewhere")
    sources = place / "sources"
    sources.mkdir()
    for name in ("Makefile", "link.ld", "src"):
        path = FOLDER / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, sources / name)
    out = place / "out"
    out.mkdir()
    built = subprocess.run(
        ["make", "-C", sources, f"OUT={out}", "compiled"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    yield out


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("random-")])
def test_committed_program_is_its_source(rebuilt: Path, name: str) -> None:
    assert (rebuilt / f"{name}.elf").read_bytes() == (FOLDER / f"{name}.elf").read_bytes()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("random-")])
def test_committed_random_program_is_its_seed(tmp_path: Path, name: str) -> None:
    seed = name.removeprefix("random-")
    again = tmp_path / "again.elf"
    subprocess.run(
        [sys.executable, "-m", "bsdgen.isa.generate", "--seed", seed, "--instructions", "5000", again],
        check=True,
    )
    assert again.read_bytes() == (FOLDER / f"{name}.elf").read_bytes()
