"""The reference model of the C++ harness against `bsdgen.isa`, which it was written apart from."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from random_steps import random_operands, random_words

from bsdgen.cosim.scoreboard import FIELDS, ROW_WORDS, expected_rows, field_value
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.generate import generate_program
from bsdgen.isa.machine import TRAP_OFFSET, Memory
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import rows_from_inputs, run_program

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "sim" / "programs").glob("*.elf"))
TRAP_PC = 0x80000004


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "reference.so"
    command = ["c++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, ROOT / "sim" / "reference.cpp", "-o", path], check=True, timeout=120)
    return ctypes.CDLL(str(path))


def pointer(array):
    assert array.dtype == np.uint32
    assert array.flags.c_contiguous
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint32))


def random_inputs(rng, n):
    """Inputs of n instructions: uint32, shape (5, n)."""
    pc, mem = rng.integers(0, 1 << 32, (2, n), dtype=np.uint32)
    return np.vstack([random_words(rng, n), pc & 0xFFFFFFFC, *random_operands(rng, n), mem]).astype(np.uint32)


def steps(library, inputs):
    """Rows and care of independent instructions, inputs of shape (5, n)."""
    n = inputs.shape[1]
    table = np.ascontiguousarray(inputs.T)
    rows, care = np.zeros((n, ROW_WORDS), np.uint32), np.zeros((n, ROW_WORDS), np.uint32)
    library.reference_rows(
        ctypes.c_uint64(n), pointer(table), ctypes.c_uint32(TRAP_PC), pointer(rows), pointer(care)
    )
    return rows, care


def assert_same(rows, care, expected):
    assert (care == expected.care).all()
    wrong = np.flatnonzero(((rows ^ expected.rows) & care).any(axis=1))
    if wrong.size:
        at = wrong[0]
        insn, pc = field_value(rows[at], "insn"), field_value(rows[at], "pc_rdata")
        told = {name: (field_value(rows[at], name), field_value(expected.rows[at], name)) for name in FIELDS}
        pytest.fail(f"row {at}, {disassemble(insn, pc)}: {told}")


def expected_steps(inputs):
    expected = expected_rows(rows_from_inputs(inputs), TRAP_PC)
    word, low, _ = FIELDS["intr"]
    expected.rows[:, word] &= np.uint32(~(1 << low) & 0xFFFFFFFF)  # of one instruction there is none before
    return expected


def test_single_instructions(library):
    inputs = random_inputs(np.random.default_rng(1), 300_000)
    expected = expected_steps(inputs)
    rows, care = steps(library, inputs)
    assert_same(rows, care, expected)
    trap = rows[:, 0] >> 23 & 1
    assert 0.02 < trap.mean() < 0.98


def test_every_opcode_and_function(library):
    """All values of opcode, funct3 and the bits of funct7, on a few operands."""
    rng = np.random.default_rng(2)
    codes = np.arange(1 << 17, dtype=np.uint32)
    insn = (codes & 0x7F) | (codes >> 7 & 7) << 12 | (codes >> 10) << 25
    insn |= rng.integers(0, 1 << 13, len(codes), dtype=np.uint32) << 12 & 0x01FF8000
    insn |= rng.integers(0, 32, len(codes), dtype=np.uint32) << 7
    insn[:4] = 0x00000073, 0x00100073, 0x00200073, 0x30200073
    rest = rng.integers(0, 1 << 32, (4, len(codes)), dtype=np.uint32)
    rest[0] &= 0xFFFFFFFC
    rest[1, ::2] &= 0x803
    inputs = np.vstack([insn[None], rest]).astype(np.uint32)
    assert_same(*steps(library, inputs), expected_steps(inputs))


def test_a_wrong_bit_would_be_seen(library):
    inputs = random_inputs(np.random.default_rng(3), 1000)
    expected = expected_steps(inputs)
    rows, care = steps(library, inputs)
    row = next(i for i in range(1000) if care[i, 8] and rows[i, 8])
    rows[row, 8] ^= 1
    with pytest.raises(pytest.fail.Exception, match=f"row {row}, "):
        assert_same(rows, care, expected)


def assert_runs_alike(library, path):
    program = load_program(path)
    run = run_program(program)
    memory = Memory(program)
    shape = (run.retired, ROW_WORDS)
    rows, care = np.zeros(shape, np.uint32), np.zeros(shape, np.uint32)
    library.reference_run(
        ctypes.c_uint32(memory.base), ctypes.c_uint64(len(memory.words)), pointer(memory.words),
        ctypes.c_uint32(program.entry), ctypes.c_uint64(run.retired), pointer(rows), pointer(care),
    )  # fmt: skip
    assert_same(rows, care, expected_rows(run.rows, program.entry + TRAP_OFFSET))


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_programs(library, path):
    assert_runs_alike(library, path)


@pytest.mark.parametrize("seed", range(5))
def test_random_programs(library, seed, tmp_path):
    assert_runs_alike(library, generate_program(seed, 1000, tmp_path / "random.elf"))
