"""Where Spike is, how it is run, and a writer of logs like its own from our rows."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bsdgen.isa.encoding import decode
from bsdgen.isa.program import Program
from bsdgen.isa.runner import run_program

Rows = dict[str, NDArray[np.uint32]]

BOOT = (
    "core   0: 0x00001000 (0x00000297) auipc   t0, 0x0\n"
    "core   0: 3 0x00001000 (0x00000297) x5  0x00001000\n"
    "core   0: 0x00001008 (0xf1402573) csrr    a0, mhartid\n"
    "core   0: 3 0x00001008 (0xf1402573) x10 0x00000000\n"
    "core   0: 3 0x0000100c (0x0182a283) x5  0x80000000 mem 0x00001018\n"
    "core   0: >>>>  _start\n"
)


def find_spike() -> Path:
    """Spike of the PATH or of this environment; without it the test skips, loudly, or in CI fails."""
    missing = []
    found = shutil.which("spike") or shutil.which("spike", path=str(Path(sys.executable).parent))
    if found is None:
        missing.append("spike (pip install --pre spike)")
    if shutil.which("dtc") is None:
        missing.append("dtc (Debian: device-tree-compiler)")
    if missing or found is None:
        message = f"NOT CHECKED AGAINST SPIKE: missing {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return Path(found)


def run_spike(elf: Path, log: Path, *options: str) -> None:
    """Write the commit log of a program that must pass there too."""
    command = [find_spike(), "--isa=rv32i", "-m0x80000000:0x100000", *options]
    done = subprocess.run(
        [*command, "-l", "--log-commits", f"--log={log}", elf],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"Spike: {done.stdout}{done.stderr}"


def _lines(rows: Rows) -> Iterator[str]:
    for i in range(len(rows["insn"])):
        row = {name: int(column[i]) for name, column in rows.items()}
        where = f"0x{row['pc_rdata']:08x} (0x{row['insn']:08x})"
        yield f"core   0: {where} text\n"
        if row["trap"]:
            kind = "illegal_instruction" if decode(row["insn"]) < 0 else "load_address_misaligned"
            yield f"core   0: exception trap_{kind}, epc 0x{row['pc_rdata']:08x}\n"
            yield "core   0:           tval 0x00000000\n"
            continue
        line = f"core   0: 3 {where}"
        if row["rd_addr"]:
            line += f" x{row['rd_addr']:<2} 0x{row['rd_wdata']:08x}"
        mask = row["mem_rmask"] | row["mem_wmask"]
        if mask:
            lane = (mask & -mask).bit_length() - 1
            line += f" mem 0x{row['mem_addr'] + lane:08x}"
        if row["mem_wmask"]:
            n_bytes = mask.bit_count()
            data = row["mem_wdata"] >> 8 * lane & (1 << 8 * n_bytes) - 1
            line += f" 0x{data:0{2 * n_bytes}x}"
        yield line + "\n"


def imitate(program: Program) -> str:
    """What Spike would write if it, too, had no CSRs: the log of our own run."""
    run = run_program(program)
    last = int(run.rows["pc_wdata"][-1])
    end = f"core   0: 3 0x{last:08x} (0x0000006f)\n"
    return BOOT + "".join(_lines(run.rows)) + end + end
