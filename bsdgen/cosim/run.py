"""Programs on the emitted core, in lock-step with the reference model.

The reference runs a program first; then the simulator runs it, and every retired instruction is held against
the reference's on all RVFI fields. One simulator serves all programs; each runs in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsdgen.core.single import learned_modules, write_core
from bsdgen.cosim.build import CACHE, Tools, build, find_bench, find_tools
from bsdgen.cosim.scoreboard import FIELDS, Expected, differing_fields, expected_rows, field_value
from bsdgen.emit.parts import model_name, written_from
from bsdgen.errors import InputError, ToolError
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.machine import TRAP_OFFSET, Memory
from bsdgen.isa.program import Program, load_program
from bsdgen.isa.runner import Run, run_program
from bsdgen.model import Model

_POLL_S = 0.02


@dataclass(frozen=True)
class ProgramResult:
    """How one program went.

    Attributes
    ----------
    name : the program's file name without its ending.
    retired : instructions that agreed with the reference.
    mismatches : RVFI fields that differ at the first divergence; 0 means that there was none.
    passed : no mismatch, and the program itself reported success.
    wall_s : seconds in the simulator.
    detail : what went wrong, or "".
    """

    name: str
    retired: int
    mismatches: int
    passed: bool
    wall_s: float
    detail: str


@dataclass(frozen=True)
class _Bench:
    """What all programs share."""

    simulator: Path
    tools: Tools
    work: Path
    max_steps: int
    stall: int


@dataclass(frozen=True, eq=False)
class _Job:
    """A program on its way through the simulator."""

    index: int
    path: Path
    run: Run
    expected: Expected
    folder: Path
    process: subprocess.Popen[bytes]
    start: float


def _image(program: Program, memory: Memory) -> str:
    """Memory for $readmemh: the words that the segments cover."""
    lines = []
    for segment in program.segments:
        first, last = (segment.address - memory.base) // 4, (segment.end - memory.base + 3) // 4
        lines.append(f"@{first:x}")
        lines += [f"{word:08x}" for word in memory.words[first:last].tolist()]
    return "\n".join(lines) + "\n"


def _environment(tools: Tools, bench: Path, job: Path) -> dict[str, str]:
    from cocotb_tools import config

    env = {key: value for key, value in os.environ.items() if not key.startswith(("COCOTB_", "GPI_"))}
    return env | {
        "GPI_USERS": f"{tools.libpython};{config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(bench), *(path for path in sys.path if path)]),
        "LD_LIBRARY_PATH": os.pathsep.join(
            [str(tools.cocotb_libs), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        ),
        "COCOTB_TEST_MODULES": "lockstep",
        "COCOTB_TOPLEVEL": "bench",
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_RESULTS_FILE": str(job / "results.xml"),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_LOG_LEVEL": "WARNING",
        "BSDGEN_JOB": str(job),
        "BSDGEN_PARENT": str(os.getpid()),
    }


def _start(bench: _Bench, index: int, path: Path) -> _Job:
    program = load_program(path)
    run = run_program(program, max_steps=bench.max_steps)
    memory = Memory(program)
    expected = expected_rows(run.rows, program.entry + TRAP_OFFSET)
    job = Path(tempfile.mkdtemp(dir=bench.work))
    np.save(job / "rows.npy", expected.rows)
    np.save(job / "care.npy", expected.care)
    (job / "image.hex").write_text(_image(program, memory), encoding="ascii")
    arguments = {
        "base": memory.base,
        "words": memory.words.shape[0],
        "reset_pc": program.entry,
        "tohost": program.tohost,
    }
    command = [str(bench.simulator), f"+image={job / 'image.hex'}"]
    command += [f"+{name}={value:x}" for name, value in arguments.items()]
    if bench.stall:
        command.append(f"+stall={bench.stall:x}")
    with (job / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=job,
            env=_environment(bench.tools, find_bench(), job),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return _Job(index, path, run, expected, job, process, time.perf_counter())


def _divergence(job: _Job, at: int, words: list[int]) -> tuple[int, str]:
    """Number of fields that differ in a row and a text about them."""
    row = np.array(words, np.uint32)
    if at >= job.expected.n:
        pc = field_value(row, "pc_rdata")
        return 1, f"instruction {at} at pc {pc:#010x}: the reference had ended the program by then"
    wanted, care = job.expected.rows[at], job.expected.care[at]
    names = differing_fields(row, wanted, care)
    pc, insn = field_value(wanted, "pc_rdata"), field_value(wanted, "insn")
    told = []
    for name in names:
        digits = max(1, FIELDS[name][2] // 4)
        seen, right = field_value(row, name), field_value(wanted, name)
        told.append(f"{name} is {seen:#0{digits + 2}x}, reference {right:#0{digits + 2}x}")
    return len(names), f"instruction {at} at pc {pc:#010x} ({disassemble(insn, pc)}): {'; '.join(told)}"


def _finish(job: _Job) -> ProgramResult:
    wall_s = time.perf_counter() - job.start
    result_file = job.folder / "result.json"
    if not result_file.is_file():
        log = (job.folder / "log.txt").read_text("utf-8", "replace").strip().splitlines()
        raise ToolError(
            f"{job.path}: the simulator ended without a result (exit code {job.process.returncode}); "
            "the end of what it printed:\n" + "\n".join(log[-12:])
        )
    result = json.loads(result_file.read_text("utf-8"))
    retired, mismatches, detail = int(result["retired"]), 0, ""
    if result["wrong"] is not None:
        mismatches, detail = _divergence(job, retired, result["wrong"])
    elif not result["done"] or retired != job.run.retired:
        mismatches, detail = 1, f"ended after {retired} instructions, the reference after {job.run.retired}"
    elif result["tohost"] != 1:
        detail = f"the program stored {result['tohost']} to tohost; it found an error itself"
    passed = not mismatches and result["tohost"] == 1
    return ProgramResult(job.path.stem, retired, mismatches, passed, wall_s, detail)


def _stop(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.process.kill()
    for job in jobs:
        job.process.wait()


@contextmanager
def _pool(jobs: list[_Job]) -> Iterator[None]:
    """Whatever happens, no simulator outlives this."""
    try:
        yield
    finally:
        _stop(jobs)


def simulator_of(folder: Path) -> Path:
    """The built simulator of the model in `folder`; builds it if the Verilog changed.

    Raises
    ------
    InputError
        The folder holds no model, the model is no RV32I step function, nothing was emitted yet, or what was
        emitted is another model's.
    ToolError
        A tool is missing or fails.
    """
    model = Model.load(folder)
    name = model_name(folder)
    learned_modules(model, name)
    step, core = (folder / "verilog" / f"{name}_{kind}.v" for kind in ("step", "core"))
    if not step.is_file():
        raise InputError(f"{step}: is missing; write it with `bsdgen emit {folder} --format verilog`")
    if not core.is_file():
        write_core(model, folder)
    for file in (step, core):
        if written_from(file) != model.digest:
            raise InputError(f"{file}: was emitted from another model; run `bsdgen emit {folder}`")
    return build([step, core], f"{name}_core", folder / CACHE)


def cosimulate(
    folder: Path,
    programs: Sequence[Path],
    *,
    max_steps: int = 5_000_000,
    jobs: int = 2,
    stall: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[ProgramResult]:
    """Run programs on the core of the model in `folder`, in lock-step with the reference model.

    Parameters
    ----------
    programs : ELF files; each ends by a word store to its symbol `tohost` (1 = pass).
    max_steps : instructions after which a program counts as one that never ends.
    jobs : simulators that run at a time.
    stall : 0, or the seed of random cycles in which the core is held.
    progress : called with (programs done, programs).

    Returns
    -------
    One result a program, in the order given.

    Raises
    ------
    InputError
        No programs, an unfit or endless one, nothing emitted, or a model that is no RV32I step function.
    ToolError
        A tool is missing or fails.
    """
    if not programs:
        raise InputError("no programs to run; name at least one ELF file")
    results: dict[int, ProgramResult] = {}
    running: list[_Job] = []
    if progress:
        progress(0, len(programs))
    simulator, tools = simulator_of(folder), find_tools()
    waiting = list(enumerate(programs))
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name, _pool(running):
        bench = _Bench(simulator, tools, Path(name), max_steps, stall)
        while waiting or running:
            while waiting and len(running) < max(1, jobs):
                index, path = waiting.pop(0)
                running.append(_start(bench, index, path))
            time.sleep(_POLL_S)
            for job in [job for job in running if job.process.poll() is not None]:
                results[job.index] = _finish(job)
                running.remove(job)
                if progress:
                    progress(len(results), len(programs))
    return [results[index] for index in range(len(programs))]
