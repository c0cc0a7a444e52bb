"""Every committed program and some fresh random ones: our runner against Spike, row by row."""

from pathlib import Path

import numpy as np
import pytest
from spike_logs import Rows, find_spike, run_spike

from bsdgen.errors import InputError
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.generate import generate_program
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import run_program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.spike_log import read_spike_log

ELFS = sorted((Path(__file__).parents[2] / "sim" / "programs").glob("*.elf"))
# Spike has these two although it runs as RV32I; the core traps on them and its handler runs one jump.
SPIKE_ONLY = {0x30529073: "csrw mtvec, x5", 0x0000100F: "fence.i"}


def without_what_only_spike_has(rows: Rows) -> Rows:
    """Drop the trap on such a word and the jump of the handler behind it: both go on at the same place."""
    trap = np.isin(rows["insn"], list(SPIKE_ONLY))
    assert (rows["trap"][trap] == 1).all()
    handler = np.roll(trap, 1)
    assert (rows["insn"][handler] == 0x000F8067).all()
    assert (rows["pc_wdata"][handler] == rows["pc_rdata"][trap] + np.uint32(4)).all()
    return {name: column[~(trap | handler)] for name, column in rows.items()}


def compare(elf: Path, folder: Path) -> None:
    program = load_program(elf)
    log = folder / "spike.log"
    run_spike(elf, log)
    spike = read_spike_log(log, program)
    log.unlink()
    run = run_program(program)
    ours = without_what_only_spike_has(run.rows)
    assert set(spike) == set(ours)
    assert {column.dtype for column in spike.values()} == {np.dtype(np.uint32)}
    n = min(len(spike["insn"]), len(ours["insn"]))
    for field in RVFI_SCHEMA.fields:
        name = field.name
        care = np.uint32(0xFFFFFFFF)
        if field.role == "out":
            assert (spike[f"{name}_care"] == ours[f"{name}_care"]).all() or n == 0
            care = ours[f"{name}_care"][:n]
        wrong = np.flatnonzero((spike[name][:n] ^ ours[name][:n]) & care)
        if wrong.size:
            i = wrong[0]
            pc, insn = int(ours["pc_rdata"][i]), int(ours["insn"][i])
            pytest.fail(
                f"row {i}, {pc:#010x} {disassemble(insn, pc)}: {name} is {ours[name][i]:#x} here, "
                f"{spike[name][i]:#x} in Spike"
            )
    assert len(spike["insn"]) == len(ours["insn"])
    assert len(spike["insn"]) > 0.99 * run.retired - 100


@pytest.mark.parametrize("elf", ELFS, ids=[elf.stem for elf in ELFS])
def test_program_runs_alike(elf: Path, tmp_path: Path) -> None:
    compare(elf, tmp_path)


@pytest.mark.parametrize("seed", range(1001, 1007))
def test_random_program_runs_alike(seed: int, tmp_path: Path) -> None:
    compare(generate_program(seed, 1500, tmp_path / "random.elf"), tmp_path)


def test_log_of_a_machine_that_allows_misaligned_accesses_is_refused(tmp_path: Path) -> None:
    elf = generate_program(1, 1, tmp_path / "random.elf")
    run_spike(elf, tmp_path / "log", "--isa=rv32i_zicclsm")
    with pytest.raises(InputError, match=r"is not aligned.*without Zicclsm"):
        read_spike_log(tmp_path / "log", load_program(elf))


def test_log_without_traps_is_refused(tmp_path: Path) -> None:
    """A log of --log-commits without -l keeps silent about traps; that must not make wrong rows."""
    elf = generate_program(1, 1, tmp_path / "random.elf")
    log = tmp_path / "log"
    run_spike(elf, log)
    commits = [line for line in log.read_text().splitlines(keepends=True) if ": 3 0x" in line]
    log.write_text("".join(commits))
    with pytest.raises(InputError, match=r"line \d+: goes on at 0x80000004 after .*without -l"):
        read_spike_log(log, load_program(elf))


def test_missing_spike_fails_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NOT CHECKED AGAINST SPIKE"):
        find_spike()
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match=r"spike \(pip install --pre spike\)"):
        find_spike()
