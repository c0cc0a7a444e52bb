"""Spike as the reference: a program's commit log as the rows that must retire.

Spike has CSRs and FENCE.I whatever it is told, the core has not. Where Spike carries out such a word, the
core traps and a program made for both (see docs/programs.md) comes back to where Spike goes on. Those few
steps are the core's own affair: they are taken from `bsdgen.isa`, everything else from Spike.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsdgen.cosim.scoreboard import Expected, expected_rows
from bsdgen.errors import EndlessError, InputError, ToolError
from bsdgen.isa.machine import Memory, memory_block, retire, trap_pc
from bsdgen.isa.program import Program
from bsdgen.isa.runner import COLUMNS, rows_from_inputs
from bsdgen.traces.spike_log import read_spike_log

_DETOUR = 64  # steps within which a handler must be back
_PAGE = 4096
_POLL_S = 0.1
_MOST_BYTES = 160  # of the log an instruction: a line with its disassembly and one with what it did


def find_spike() -> Path:
    """Spike of PATH or of this environment.

    Raises
    ------
    ToolError
        It, or dtc which it needs, is missing.
    """
    found = shutil.which("spike") or shutil.which("spike", path=str(Path(sys.executable).parent))
    if found is None:
        raise ToolError("spike is missing; install it with `pip install --pre spike`")
    if shutil.which("dtc") is None:
        raise ToolError("dtc is missing, Spike needs it; install it with `apt install device-tree-compiler`")
    return Path(found)


def write_log(program: Program, log: Path, max_steps: int) -> None:
    """Run a program on Spike as RV32I and keep its commit log.

    Raises
    ------
    EndlessError
        The program does not end.
    ToolError
        Spike is missing or wrote no log, as for a program where its boot ROM lies.
    """
    base, n_words = memory_block(program)
    size = (4 * n_words + _PAGE - 1) // _PAGE * _PAGE
    command = [str(find_spike()), "--isa=rv32i", f"-m{base:#x}:{size:#x}", "-l", "--log-commits"]
    # Its own --instructions stops before what was written is in the log.
    with subprocess.Popen(
        [*command, f"--log={log}", str(program.path.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            while True:
                try:
                    output, _ = process.communicate(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    if log.is_file() and log.stat().st_size > max_steps * _MOST_BYTES:
                        raise EndlessError(
                            f"{program.path}: does not end on Spike within {max_steps} instructions: mend "
                            "the program or raise the step limit"
                        ) from None
        finally:
            process.kill()
    if not log.is_file() or log.stat().st_size == 0:
        raise ToolError(
            f"{program.path}: Spike wrote no log (exit code {process.returncode}): {output.strip()}"
        )


def _detours(
    rows: dict[str, NDArray[np.uint32]], program: Program
) -> tuple[list[int], list[tuple[int, int, int, int, int]]]:
    """Steps that Spike has not: before which of its rows each comes, and its inputs."""
    memory, regs = Memory(program), np.zeros(32, np.int64)
    names = ("pc_rdata", "pc_wdata", "rd_addr", "rd_wdata", "mem_addr", "mem_wmask", "mem_wdata", "trap")
    table = zip(*(rows[name].tolist() for name in names), strict=True)
    at, inputs = [], []
    here = program.entry
    for number, (pc, follow, rd, value, address, mask, data, trap) in enumerate(table):
        for _ in range(_DETOUR):
            if here == pc:
                break
            fetched = here
            here, insn, rs1, rs2, word, _ = retire(memory.words, memory.base, regs, here, program.entry)
            at.append(number)
            inputs.append((insn, fetched, rs1, rs2, word))
        if here != pc:
            raise InputError(
                f"{program.path}: Spike carries out a word before {pc:#010x} that is none of RV32I, and the "
                f"core's trap on it does not come back there within {_DETOUR} steps; see docs/programs.md "
                "for how a program survives both"
            )
        if rd:
            regs[rd] = value
        if mask:
            memory.write(address, mask, data)
        here = trap_pc(program) if trap else follow
    return at, inputs


def expected_of_log(log: Path, program: Program) -> Expected:
    """What the core must retire, by a commit log of the program.

    Raises
    ------
    InputError
        See `bsdgen.traces.spike_log.read_spike_log`; or the core cannot follow Spike's path.
    """
    rows = read_spike_log(log, program)
    at, inputs = _detours(rows, program)
    if at:
        own = rows_from_inputs(np.array(inputs, np.uint32).T.copy())
        rows = {name: np.insert(rows[name], at, own[name]) for name in COLUMNS}
    return expected_rows(rows, trap_pc(program))


def spike_rows(program: Program, work: Path, max_steps: int) -> Expected:
    """Run a program on Spike and take its log as what must retire; errors as above."""
    log = work / "spike.log"
    write_log(program, log, max_steps)
    try:
        return expected_of_log(log, program)
    finally:
        log.unlink()
