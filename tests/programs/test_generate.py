"""Random programs: complete files, the same for the same seed, and with everything in them."""

import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.errors import UsageError
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.encoding import ENCODINGS, ILLEGAL, INSTRUCTIONS, decode
from bsdgen.isa.generate import (
    MAX_INSTRUCTIONS,
    PASSES,
    generate_elf,
    generate_images,
    generate_program,
    symbols_of,
)
from bsdgen.isa.program import Program, Segment, load_program
from bsdgen.isa.runner import run_program
from bsdgen.isa.step import classify, step
from bsdgen.isa.units import Dice, UnitMaker


def test_illegal_units_are_illegal_and_mostly_close_to_legal() -> None:
    maker = UnitMaker(Dice(2), 0x80080000, 512)
    words = [maker.illegal().words[-1] for _ in range(1000)]
    assert {decode(word) for word in words} == {ILLEGAL}
    # What other machines have (CSRs, FENCE.I) would make them go another way.
    assert not {word & 0x7F for word in words} & {0x73, 0x0F}
    opcodes = {encoding.match & 0x7F for encoding in ENCODINGS}
    assert sum(word & 0x7F in opcodes for word in words) > 200
    assert sum(word & 3 != 3 for word in words) > 200


def test_same_seed_same_bytes() -> None:
    assert generate_elf(5, 300) == generate_elf(5, 300)
    assert generate_elf(5, 300) != generate_elf(6, 300)
    assert generate_elf(5, 300) != generate_elf(5, 900)


def test_dice_do_not_change_with_numpy() -> None:
    dice = Dice(1)
    assert [dice.word() for _ in range(3)] == [2198257139, 4082210491, 619160822]
    assert dice.shuffled(range(6)) == [3, 0, 2, 4, 1, 5]


@pytest.mark.parametrize("seed", range(20))
def test_smallest_program_has_everything(tmp_path: Path, seed: int) -> None:
    run = run_program(load_program(generate_program(seed, 1, tmp_path / "p.elf")), max_steps=20_000)
    assert run.passed
    kinds = classify(run.rows["insn"])
    trap = run.rows["trap"] == 1
    assert {INSTRUCTIONS[kind] for kind in kinds if kind != ILLEGAL} == set(INSTRUCTIONS)
    for name in ("lh", "lhu", "lw", "sh", "sw", "jal", "jalr", "ecall", "ebreak"):
        assert trap[kinds == INSTRUCTIONS.index(name)].any(), name
    assert (run.rows["insn"][kinds == ILLEGAL] & 0x7F == 0x73).any()
    assert trap[kinds == ILLEGAL].all()


BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")


def own_program(seed: int, size: int = 1) -> Program:
    images = generate_images(seed, size, own=True)
    segments = tuple(Segment(image.address, image.data) for image in images)
    return Program(Path("own"), images[0].address, segments, symbols_of(images[0].address))


@pytest.mark.parametrize("seed", range(20))
def test_smallest_program_for_our_own_reference_has_all_that_traps(seed: int) -> None:
    run = run_program(own_program(seed), max_steps=20_000)
    assert run.passed
    insn, trap = run.rows["insn"], run.rows["trap"] == 1
    kinds = classify(insn)
    assert {INSTRUCTIONS[kind] for kind in kinds if kind != ILLEGAL} == set(INSTRUCTIONS)
    for name in (*BRANCHES, "lh", "lhu", "lw", "sh", "sw", "jal", "jalr", "ecall", "ebreak"):
        assert trap[kinds == INSTRUCTIONS.index(name)].any(), name
    illegal = insn[kinds == ILLEGAL]
    system = illegal[illegal & 0x7F == 0x73] >> 12 & 7
    assert {0, 4} < set(system.tolist())
    assert (illegal & 0x7F == 0x0F).any()
    assert trap[kinds == ILLEGAL].all()


def test_programs_for_our_own_reference_begin_anywhere() -> None:
    entries = [own_program(seed).entry for seed in range(60)]
    assert all(entry % 4 == 0 for entry in entries)
    assert {entry >> 31 for entry in entries} == {0, 1}
    assert len({entry & 0xFFF for entry in entries}) > 40
    assert min(entries) < 0x1000
    assert max(entries) > 0xFFE00000
    words = {word for seed in range(30) for word in run_program(own_program(seed)).rows["insn"].tolist()}
    assert {0x30200073, 0x10500073, 0x0000100F} <= words  # MRET, WFI, FENCE.I
    assert any(word & 0xFFFFF07F == 0x73 and word & 0xF80 for word in words)  # ECALL with rd


def test_programs_that_spike_runs_too_are_the_same_as_ever() -> None:
    assert {image.address for image in generate_images(1, 1)} == {0x80000000, 0x80080000}
    digest = hashlib.sha256(generate_elf(1, 300)).hexdigest()
    assert digest == "ffe5c2ec2490f08bfc9a396610c36f3d77d7e80355dba187eb33362c1b421975"


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_longer_programs_are_as_long_as_asked(tmp_path: Path, seed: int) -> None:
    run = run_program(load_program(generate_program(seed, 3000, tmp_path / "p.elf")), max_steps=100_000)
    assert run.passed
    assert 0.6 * PASSES * 3000 < run.retired < 1.6 * PASSES * 3000
    taken = run.rows["pc_wdata"] != run.rows["pc_rdata"] + np.uint32(4)
    kinds = classify(run.rows["insn"])
    for name in ("beq", "bne", "blt", "bge", "bltu", "bgeu"):
        branch = (kinds == INSTRUCTIONS.index(name)) & (run.rows["trap"] == 0)
        assert 0.05 < taken[branch].mean() < 0.95
        assert (run.rows["trap"][kinds == INSTRUCTIONS.index(name)] == 1).any()
    # Operands meet: far more often than the 2**-32 of uniform words.
    assert (run.rows["rs1_rdata"] == run.rows["rs2_rdata"]).mean() > 0.03


@pytest.mark.parametrize(("seed", "n"), [(-1, 100), (0, 0), (0, -5), (0, MAX_INSTRUCTIONS + 1)])
def test_bad_parameters_say_what_to_do(tmp_path: Path, seed: int, n: int) -> None:
    with pytest.raises(UsageError, match=r"must be .*, not -?\d+; "):
        generate_program(seed, n, tmp_path / "p.elf")
    assert not list(tmp_path.iterdir())


def test_command_writes_the_same(tmp_path: Path) -> None:
    path = tmp_path / "p.elf"
    command = [sys.executable, "-m", "bsdgen.isa.generate", "--seed", "9", "--instructions", "200", path]
    subprocess.run(command, check=True)
    assert path.read_bytes() == generate_elf(9, 200)


def test_outside_reader_agrees_on_the_file() -> None:
    elf = ELFFile(BytesIO(generate_elf(3, 500)))
    assert (elf["e_machine"], elf["e_type"], elf["e_entry"]) == ("EM_RISCV", "ET_EXEC", 0x80000000)
    names = [section.name for section in elf.iter_sections()]
    assert names == ["", ".text", ".data", ".symtab", ".strtab", ".shstrtab"]
    for segment, name in zip(elf.iter_segments(), (".text", ".data"), strict=True):
        section = elf.get_section_by_name(name)
        assert segment["p_paddr"] == section["sh_addr"]
        assert segment.data() == section.data()
    symbols = {symbol.name: symbol for symbol in elf.get_section_by_name(".symtab").iter_symbols()}
    assert {"_start", "tohost", "fromhost"} <= set(symbols)
    data = elf.get_section_by_name(".data")
    assert symbols["tohost"]["st_shndx"] == names.index(".data")
    assert data["sh_addr"] <= symbols["tohost"]["st_value"] < data["sh_addr"] + data["sh_size"]


def test_symbol_outside_of_all_segments_is_refused() -> None:
    with pytest.raises(ValueError, match="lies in no segment"):
        build_elf(0, [Image(".text", 0, bytes(8), executable=True)], {"tohost": 8})


registers = st.integers(0, 31)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ENCODINGS), registers, registers, registers, st.integers(-2048, 2047))
def test_encode_gives_the_instruction_asked_for(encoding, rd, rs1, rs2, imm) -> None:  # type: ignore[no-untyped-def]
    scale = 2 if encoding.format in ("B", "J") else 1
    word = encode(encoding.name, rd, rs1, rs2, scale * imm)
    assert INSTRUCTIONS[decode(word)] == encoding.name
    pc, a, b = 0x80001000, 0x80002000, 0x80002000 if encoding.name in ("beq", "bge", "bgeu") else 0x80001000
    if encoding.name in ("blt", "bltu"):
        a, b = b, a
    out = step(word, pc, a, b, 0)
    if encoding.writes_rd and not out[9]:
        assert out[2] == rd
    if encoding.reads_rs1:
        assert out[0] == rs1
    if encoding.reads_rs2:
        assert out[1] == rs2
    if encoding.format in ("B", "J"):
        assert out[4] == pc + 2 * imm
    if encoding.name == "addi":
        assert out[3] == a + imm
    if encoding.name in ("lw", "sw"):
        assert out[5] == (a + imm) & ~3


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 31), st.integers(0, 2**32 - 1))
def test_load_constant_loads_any_word(register: int, value: int) -> None:
    upper, lower = load_constant(register, value)
    assert step(lower, 4, step(upper, 0, 0, 0, 0)[3], 0, 0)[2:4] == (register, value)


def test_words_read_as_meant() -> None:
    assert disassemble(encode("sw", rs1=2, rs2=3, imm=-4)) == disassemble(0xFE312E23)
    assert encode("jal", 1, imm=-2) == 0xFFFFF0EF
    assert encode("ebreak") == 0x00100073
