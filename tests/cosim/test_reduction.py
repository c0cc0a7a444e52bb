import shutil
import struct
import subprocess

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from bsdgen.cosim.reduction import NOP, Words, assembly, minimise, reduce_words, without, words_of
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS, decode
from bsdgen.isa.generate import END_WORDS, generate_images
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import run_program


@given(st.sets(st.integers(0, 60), max_size=6))
def test_minimise_finds_what_is_needed(needed):
    asked = []

    def fails(subsets):
        asked.extend(subsets)
        return [needed <= set(subset) for subset in subsets]

    assert minimise(range(61), fails) == tuple(sorted(needed))
    assert len(asked) < 500


@given(st.lists(st.sets(st.integers(0, 20), min_size=1, max_size=4), min_size=1, max_size=4))
def test_nothing_can_be_taken_away(causes):
    """Several causes: what is left has one of them whole and nothing else."""

    def fails(subsets):
        return [any(cause <= set(subset) for cause in causes) for subset in subsets]

    kept = minimise(range(21), fails)
    assert fails([kept]) == [True]
    assert not any(fails([tuple(item for item in kept if item != gone) for gone in kept]))


def test_dropped_words_leave_targets_where_they_were():
    code = [encode("jal", imm=12), NOP, NOP, encode("beq", imm=-8), encode("addi", 1, 1, imm=1)]
    end = [NOP] * END_WORDS
    small = without(Words((*code, *end), ()), {1})
    assert [disassemble(word) for word in small.code[:3]] == [
        "jal x0, .+8 <0x8>",
        "addi x0, x0, 0",
        "beq x0, x0, .-4 <0xfffffffc>",
    ]
    assert small.n_code == 3


def reference_finds(name):
    """A stand-in for a core that fails in every run of one instruction: programs that run it and pass."""

    def fails(candidates):
        return [runs(words, name) for words in candidates]

    return fails


def runs(words, name):
    path = runs.folder / "candidate.elf"
    path.write_bytes(words.elf())
    try:
        run = run_program(load_program(path), max_steps=20_000)
    except Exception:
        return False
    ran = {INSTRUCTIONS[index] for index in map(int, map(decode, run.rows["insn"].tolist())) if index >= 0}
    return run.passed and name in ran


@pytest.mark.parametrize(("name", "most"), [("sra", 1), ("bltu", 1), ("lhu", 5)])
def test_random_program_is_reduced_to_one_instruction(tmp_path, name, most):
    runs.folder = tmp_path
    words = words_of(generate_images(3, 1))
    small = reduce_words(words, reference_finds(name))
    assert runs(small, name)
    assert 1 <= small.n_code <= most
    assert len(small.code) <= most + END_WORDS
    assert not any(small.data)


def every_instruction():
    code = [*load_constant(3, 0x80080000)]
    for encoding in ENCODINGS:
        code += [encode(encoding.name, 5, 6, 7, imm) for imm in (8, -8, 31)]
    code += [0, 0xFFFFFFFF, 0x30529073, 0x0FF0000F, 0x0000100F]
    words = words_of(generate_images(1, 1))
    return Words((*code, *words.code[-END_WORDS:]), words.data)


def test_assembly_assembles_to_the_same_words(tmp_path):
    if shutil.which("riscv64-unknown-elf-gcc") is None:
        pytest.skip("riscv64-unknown-elf-gcc is missing")
    words = every_instruction()
    text = assembly(words, ["head"])
    assert text.startswith("# head\n")
    command = next(line for line in text.splitlines() if "Assemble: " in line).partition(": ")[2].rstrip("\\")
    more = next(line for line in text.splitlines() if "-Ttext" in line).lstrip("# ")
    (tmp_path / "FILE.S").write_text(text)
    subprocess.run((command + more).split(), cwd=tmp_path, check=True, timeout=60)
    with (tmp_path / "FILE.elf").open("rb") as file:
        elf = ELFFile(file)
        built = {name: elf.get_section_by_name(name).data() for name in (".text", ".data")}
    assert built[".text"] == struct.pack(f"<{len(words.code)}I", *words.code)
    assert built[".data"] == struct.pack(f"<{len(words.data)}I", *words.data)
    assert load_program(tmp_path / "FILE.elf").tohost == load_of(words, tmp_path).tohost


def load_of(words, folder):
    (folder / "own.elf").write_bytes(words.elf())
    return load_program(folder / "own.elf")
