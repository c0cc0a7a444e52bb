"""Programs on the shell with a bus: lock-step, wait states, cycles, and shells that break the bus."""

import json
import shutil
from pathlib import Path

import pytest
from standin import rv32i_model
from tiny_elf import store_to_tohost, tiny_elf, words

from bsdgen.cli.app import main
from bsdgen.core import write_shells
from bsdgen.cosim.run import cosimulate
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
    write_shells(model, folder, ["fpga"])
    return folder


def test_programs_pass_with_a_synchronous_memory(cpu: Path) -> None:
    results = cosimulate(cpu, PROGRAMS, shell="fpga")
    assert all(result.passed and not result.mismatches for result in results)
    for result in results:  # two cycles, and two more where memory is accessed
        assert 2 * result.retired <= result.cycles <= 4 * result.retired


@pytest.mark.parametrize("stall", [1, 77])
def test_programs_pass_with_wait_states(cpu: Path, stall: int) -> None:
    results = cosimulate(cpu, PROGRAMS[-3:], shell="fpga", stall=stall)
    assert all(result.passed and not result.mismatches for result in results)
    assert all(result.cycles > 3 * result.retired for result in results)


def test_cycles_are_told(
    cpu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "small.elf"
    program.write_bytes(tiny_elf(words(0x00500093, 0x00700113, *store_to_tohost(1, at=8), LOOP)))
    (result,) = cosimulate(cpu, [program], shell="fpga")
    # A fetch of two cycles, two for each instruction before the store, and the store's own two.
    assert result.cycles == 2 + 2 * (result.retired - 1) + 2 and result.passed
    assert main(["cosim", str(cpu), str(program), "--shell", "fpga"]) == 0
    shown = capsys.readouterr().out
    assert f"{result.retired:,}" in shown and "CPI" in shown
    facts = json.loads((cpu / "cosim_fpga.json").read_text())
    assert facts["shell"] == "fpga" and facts["programs"][0]["cycles"] == result.cycles
    assert not (cpu / "cosim.json").exists()


BROKEN = {
    "pc_rdata": ("= rvfi_valid ? bus_next", "= phase[1] ? bus_next"),  # goes on in wait states
    "bus_conflict": ("assign bus_wmask = ", "assign bus_wmask = 4'h8 ^ "),  # shows another store than it does
}


@pytest.mark.parametrize("told", BROKEN)
def test_a_broken_shell_is_found(cpu: Path, tmp_path: Path, told: str) -> None:
    folder = tmp_path / "cpu"
    shutil.copytree(cpu, folder, ignore=shutil.ignore_patterns("cosim_build"))
    file = folder / "verilog" / "cpu_fpga.v"
    text, (old, new) = file.read_text(), BROKEN[told]
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    (result,) = cosimulate(folder, [path for path in PROGRAMS if path.stem == "memory"], shell="fpga")
    assert result.mismatches and told in result.detail


def test_what_it_cannot_do(cpu: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="drives the shell single"):
        cosimulate(cpu, PROGRAMS[:1], shell="fpga", harness="cocotb")
    assert main(["cosim", str(cpu), "--shell", "fpga", "--random", "1", "-q"]) == 2
    with pytest.raises(InputError):
        cosimulate(tmp_path, PROGRAMS[:1], shell="fpga")
