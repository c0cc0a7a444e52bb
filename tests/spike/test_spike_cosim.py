"""Spike's log as what the core must retire: the same rows as those of the reference model."""

from pathlib import Path

import numpy as np
import pytest
from spike_logs import find_spike, imitate

from bsdgen.cosim import spike as spike_module
from bsdgen.cosim.scoreboard import FIELDS, expected_rows
from bsdgen.cosim.spike import expected_of_log, spike_rows, write_log
from bsdgen.errors import InputError, ToolError
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.generate import generate_program
from bsdgen.isa.machine import TRAP_OFFSET, trap_pc
from bsdgen.isa.program import Program, Segment, load_program
from bsdgen.isa.runner import COLUMNS, run_program

PROGRAMS = Path(__file__).parents[2] / "sim" / "programs"
CSRW_MTVEC_X5, FENCE_I = 0x30529073, 0x0000100F


def assert_same_rows(expected, program: Program) -> None:
    own = expected_rows(run_program(program).rows, program.entry + TRAP_OFFSET)
    assert expected.rows.shape == own.rows.shape
    last = FIELDS["pc_wdata"][0]
    assert (expected.care[:-1] == own.care[:-1]).all()
    assert ((expected.care[-1] == own.care[-1]) | (np.arange(12) == last)).all()  # the log ends there
    wrong = ((expected.rows ^ own.rows) & own.care & expected.care).any(axis=1)
    assert not wrong.any(), f"row {wrong.argmax()}"


@pytest.mark.parametrize("name", ["traps", "jumps", "random-1"])
def test_programs_must_retire_alike(name: str, tmp_path: Path) -> None:
    find_spike()
    program = load_program(PROGRAMS / f"{name}.elf")
    expected = spike_rows(program, tmp_path, 1_000_000)
    assert_same_rows(expected, program)
    # Words that only Spike carries out trap on the core, in the middle of what Spike says.
    only_spike = np.isin(expected.rows[:, 3], [CSRW_MTVEC_X5, FENCE_I])
    assert only_spike.any()
    assert (expected.rows[only_spike, 0] >> 23 & 1).all()
    assert not list(tmp_path.iterdir())


def test_log_without_such_words(tmp_path: Path) -> None:
    program = load_program(generate_program(5, 1, tmp_path / "random.elf"))
    (tmp_path / "log").write_text(imitate(program))
    assert_same_rows(expected_of_log(tmp_path / "log", program), program)


def test_traps_of_a_program_at_the_end_of_memory_wrap_around(tmp_path: Path) -> None:
    """Reset pc + 4 is 0: the word there is none, and traps to where it is."""
    entry = 0xFFFF_FFFC
    program = Program(tmp_path / "p.elf", entry, (Segment(entry, bytes(4)),), {"tohost": 0xFFFF_F000})
    pcs = [entry, 0, 0]
    zero = np.zeros(len(pcs), np.uint32)
    rows = {name: zero.copy() for name in COLUMNS} | {"pc_rdata": np.array(pcs, np.uint32)}
    rows["trap"] += np.uint32(1)
    (tmp_path / "log").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spike_module, "read_spike_log", lambda *_: rows)
        expected = expected_of_log(tmp_path / "log", program)
    assert (expected.rows[:, FIELDS["pc_wdata"][0]] == 0).all()
    assert trap_pc(program) == 0


def test_program_that_the_core_cannot_follow(tmp_path: Path) -> None:
    """The trap goes to x31, which was never set."""
    find_spike()
    base, tohost = 0x8000_0000, 0x8000_1000
    code = [encode("jal", imm=8), encode("jalr", rs1=31), encode("addi", 5), CSRW_MTVEC_X5]
    code += [*load_constant(1, tohost), encode("addi", 2, imm=1), encode("sw", rs1=1, rs2=2), encode("jal")]
    images = [Image(".text", base, b"".join(word.to_bytes(4, "little") for word in code), True)]
    images.append(Image(".data", tohost, bytes(128), False))
    path = tmp_path / "lost.elf"
    path.write_bytes(build_elf(base, images, {"tohost": tohost, "fromhost": tohost + 64}))
    with pytest.raises(InputError, match="does not come back there within 64 steps"):
        spike_rows(load_program(path), tmp_path, 10_000)


def test_program_that_never_ends(tmp_path: Path) -> None:
    find_spike()
    images = [Image(".text", 0x8000_0000, encode("jal").to_bytes(4, "little"), True)]
    images.append(Image(".data", 0x8000_1000, bytes(128), False))
    path = tmp_path / "endless.elf"
    path.write_bytes(build_elf(0x8000_0000, images, {"tohost": 0x8000_1000, "fromhost": 0x8000_1040}))
    with pytest.raises(InputError, match="does not end on Spike within 1000 instructions"):
        write_log(load_program(path), tmp_path / "log", 1000)


def test_program_where_spike_has_its_boot_rom(tmp_path: Path) -> None:
    find_spike()
    images = [Image(".text", 0x1000, bytes(256), True)]
    path = tmp_path / "low.elf"
    path.write_bytes(build_elf(0x1000, images, {"tohost": 0x1040}))
    with pytest.raises(ToolError, match="Spike wrote no log"):
        write_log(load_program(path), tmp_path / "log", 100)


@pytest.mark.parametrize(
    ("program", "remedy"), [("spike", "pip install --pre spike"), ("dtc", "apt install")]
)
def test_missing_tool_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, program: str, remedy: str
) -> None:
    monkeypatch.setattr(
        spike_module.shutil, "which", lambda name, path=None: None if name == program else f"/bin/{name}"
    )
    with pytest.raises(ToolError, match=f"{program} is missing.*{remedy}"):
        spike_module.find_spike()
