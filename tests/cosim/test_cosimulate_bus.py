"""Programs on the shell with a bus: lock-step, wait states, cycles, and shells that break the bus."""

import json
import re
import shutil
from pathlib import Path

import pytest
from standin import rv32i_model
from tiny_elf import store_to_tohost, tiny_elf, words

from bsdgen.cli.app import main
from bsdgen.core import write_shells
from bsdgen.cosim.run import cosimulate
from bsdgen.cosim.simulator import ShellName
from bsdgen.emit import emit
from bsdgen.errors import InputError, UsageError

PROGRAMS = sorted((Path(__file__).parents[2] / "sim" / "programs").glob("*.elf"))
LOOP = 0x0000006F  # jal x0, .


@pytest.fixture(scope="module")
def cpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder with its shell; the first run in it builds the simulator."""
    folder = tmp_path_factory.mktemp("models") / "cpu"
    model = rv32i_model()
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_shells(model, folder, ["fpga", "wishbone"])
    return folder


# Most cycles from one retirement to the next: a fetch and an access, of two cycles each; one less where
# memory reads ahead, for which Wishbone has no address.
LONGEST = {"fpga": 3, "wishbone": 4}


@pytest.mark.parametrize("shell", LONGEST)
def test_programs_pass_with_a_synchronous_memory(cpu: Path, shell: ShellName) -> None:
    results = cosimulate(cpu, PROGRAMS, shell=shell)
    assert all(result.passed and not result.mismatches for result in results)
    for result in results:
        assert result.longest == LONGEST[shell]
        assert 2 * result.retired <= result.cycles <= LONGEST[shell] * result.retired


@pytest.mark.parametrize("shell", LONGEST)
@pytest.mark.parametrize("stall", [1, 77])
def test_programs_pass_with_wait_states(cpu: Path, shell: ShellName, stall: int) -> None:
    results = cosimulate(cpu, PROGRAMS[-3:], shell=shell, stall=stall)
    assert all(result.passed and not result.mismatches for result in results)
    assert all(result.cycles > 3 * result.retired and result.longest > 9 for result in results)


@pytest.mark.parametrize("shell", LONGEST)
@pytest.mark.parametrize(("stall", "resets"), [(0, 1), (5, 2)])
def test_programs_pass_with_resets(cpu: Path, shell: ShellName, stall: int, resets: int) -> None:
    results = cosimulate(cpu, PROGRAMS[-3:], shell=shell, stall=stall, resets=resets)
    assert all(result.passed and not result.mismatches for result in results)
    assert [result.resets for result in results] == [16] * 3


@pytest.mark.parametrize("shell", LONGEST)
def test_random_programs(cpu: Path, shell: ShellName) -> None:
    assert main(["cosim", str(cpu), "--shell", shell, "--random", "9", "--resets", "3", "-q"]) == 0
    facts = json.loads((cpu / f"cosim_random_{shell}.json").read_text())
    assert (facts["shell"], facts["resets"], facts["failed"]) == (shell, 3, [])
    assert facts["retired"] > 9000 and f"cpu_{shell}.v" in facts["verilog_sha256"]
    assert not (cpu / "cosim_random.json").exists()


def test_wishbone_reads_0_where_a_transfer_fails(cpu: Path, tmp_path: Path) -> None:
    """Outside of the memory the bench answers with an error, and with noise."""
    program = tmp_path / "outside.elf"
    load = (0x100000B7, 0x0000A103, 0x00010463)  # lui x1, 0x10000; lw x2, 0(x1); beq x2, x0, +8
    program.write_bytes(tiny_elf(words(*load, LOOP, *store_to_tohost(1, at=16), LOOP)))
    (result,) = cosimulate(cpu, [program], shell="wishbone")
    assert result.passed
    folder = with_text(cpu, tmp_path, "wishbone", r"= wb_err \? 32'd0 : wb_dat_r", "= wb_dat_r")
    (result,) = cosimulate(folder, [program], shell="wishbone")
    assert result.mismatches and "mem_rdata" in result.detail


def with_text(cpu: Path, tmp_path: Path, shell: str, old: str, new: str) -> Path:
    """A copy of the folder with a text of a shell's Verilog replaced."""
    folder = tmp_path / "cpu"
    shutil.copytree(cpu, folder, ignore=shutil.ignore_patterns("cosim_build"))
    file = folder / "verilog" / f"cpu_{shell}.v"
    text, count = re.subn(old, new, file.read_text())
    assert count == 1, (old, count)
    file.write_text(text)
    return folder


def test_cycles_are_told(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "small.elf"
    program.write_bytes(tiny_elf(words(0x00500093, 0x00700113, *store_to_tohost(1, at=8), LOOP)))
    (result,) = cosimulate(cpu, [program], shell="fpga")
    # The cycle after reset, a fetch of two, two for each instruction before the store, and its own two.
    assert result.cycles == 1 + 2 + 2 * (result.retired - 1) + 2 and result.passed
    assert main(["cosim", str(cpu), str(program), "--shell", "fpga"]) == 0
    shown = capsys.readouterr().out
    assert f"{result.retired:,}" in shown and "CPI" in shown
    facts = json.loads((cpu / "cosim_fpga.json").read_text())
    assert facts["shell"] == "fpga" and facts["programs"][0]["cycles"] == result.cycles
    assert not (cpu / "cosim.json").exists()


# What is told, and what is replaced by what in the Verilog; with which options it runs.
BROKEN = {
    "goes on in wait states": ("pc_rdata", r"= rvfi_valid \? bus_next", "= phase[1] ? bus_next", {}),
    "shows another store than it does": (
        "bus_conflict",
        r"assign bus_wmask = ",
        "assign bus_wmask = 4'h8 ^ ",
        {},
    ),
    "asks in the cycle after a reset": (
        "bus_stray",
        r"(assign bus_valid = .*);",
        r"\1 | (&phase & ~rst);",
        {},
    ),
    "executes on after a reset": (
        "bus_stray",
        r"= rst (\? 2'h3 : \S+ );",
        r"= (rst & phase != 2'h2) \1;",
        {"resets": 1},
    ),
    "reads another register where none is read": (
        "rs1_rdata",
        r"(<= registers\[)rvfi_rs1_addr\];",
        r"\1rvfi_rs1_addr ^ {4'd0, named[6:0] == 7'h37}];",
        {},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_shell_is_found(cpu: Path, tmp_path: Path, what: str) -> None:
    told, old, new, options = BROKEN[what]
    folder = with_text(cpu, tmp_path, "fpga", old, new)
    program = [path for path in PROGRAMS if path.stem == "memory"]
    if options:  # what it takes to see it
        assert cosimulate(folder, program, shell="fpga")[0].passed
    (result,) = cosimulate(folder, program, shell="fpga", **options)
    assert result.mismatches and told in result.detail


def test_what_it_cannot_do(cpu: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="drives the shell single"):
        cosimulate(cpu, PROGRAMS[:1], shell="fpga", harness="cocotb")
    with pytest.raises(UsageError, match="leave resets out"):
        cosimulate(cpu, PROGRAMS[:1], resets=1, against="none")
    with pytest.raises(UsageError, match="resets must be 0 to 4294967295"):
        cosimulate(cpu, PROGRAMS[:1], resets=2**32)
    with pytest.raises(InputError):
        cosimulate(tmp_path, PROGRAMS[:1], shell="fpga")
