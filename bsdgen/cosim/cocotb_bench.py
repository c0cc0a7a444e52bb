"""Programs under cocotb: one simulator process a program, checked from Python (``sim/lockstep.py``)."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsdgen.cosim.bench import ProgramResult, SignatureArea, bench_arguments, image_text
from bsdgen.cosim.build import Cocotb, find_bench, find_cocotb
from bsdgen.cosim.listing import divergence, hang_text, retired_lines
from bsdgen.cosim.scoreboard import Expected, field_value, registers_before, with_registers
from bsdgen.errors import ToolError
from bsdgen.isa.program import Program

_POLL_S = 0.02


@dataclass(frozen=True, eq=False)
class Task:
    """A program and what must retire.

    Attributes
    ----------
    area, signature : where its signature is, and the file to write it to; both None if none is wanted.
    """

    program: Program
    expected: Expected
    area: SignatureArea | None
    signature: Path | None


@dataclass(frozen=True, eq=False)
class _Job:
    """A program on its way through the simulator."""

    index: int
    task: Task
    folder: Path
    process: subprocess.Popen[bytes]
    start: float


def _environment(cocotb: Cocotb, bench: Path, job: Path) -> dict[str, str]:
    from cocotb_tools import config

    env = {key: value for key, value in os.environ.items() if not key.startswith(("COCOTB_", "GPI_"))}
    return env | {
        "GPI_USERS": f"{cocotb.libpython};{config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(bench), *(path for path in sys.path if path)]),
        "LD_LIBRARY_PATH": os.pathsep.join(
            [str(cocotb.libs), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
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


def _start(simulator: Path, work: Path, stall: int, index: int, task: Task) -> _Job:
    job = Path(tempfile.mkdtemp(dir=work))
    np.save(job / "rows.npy", task.expected.rows)
    np.save(job / "care.npy", task.expected.care)
    (job / "image.hex").write_text(image_text(task.program), encoding="ascii")
    arguments: dict[str, str | int] = {"image": "image.hex", **bench_arguments(task.program, stall)}
    if task.area is not None:
        arguments |= task.area.arguments("signature.hex")
    words = [
        f"+{name}={value if isinstance(value, str) else format(value, 'x')}"
        for name, value in arguments.items()
    ]
    with (job / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [str(simulator), *words],
            cwd=job,
            env=_environment(find_cocotb(), find_bench(), job),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return _Job(index, task, job, process, time.perf_counter())


def _finish(job: _Job, last: int) -> ProgramResult:
    wall_s = time.perf_counter() - job.start
    program, expected = job.task.program, job.task.expected
    result_file = job.folder / "result.json"
    if not result_file.is_file():
        log = (job.folder / "log.txt").read_text("utf-8", "replace").strip().splitlines()
        raise ToolError(
            f"{program.path}: the simulator ended without a result (exit code {job.process.returncode}); "
            "the end of what it printed:\n" + "\n".join(log[-12:])
        )
    result = json.loads(result_file.read_text("utf-8"))
    retired, mismatches, detail = int(result["retired"]), 0, ""
    if result["wrong"] is not None:
        seen = np.array(result["wrong"], np.uint32)
        if retired < expected.n:
            of = with_registers(expected, seen[None], retired, registers_before(expected, retired))
            mismatches, detail = divergence(seen, of.rows[0], of.care[0])
        else:
            pc = field_value(seen, "pc_rdata")
            mismatches = 1
            detail = f"instruction {retired} at pc {pc:#010x}: the reference had ended the program by then"
    elif result["hung"]:
        mismatches, detail = 1, hang_text(retired)
    elif not result["done"] or retired != expected.n:
        mismatches, detail = 1, f"ended after {retired} instructions, the reference after {expected.n}"
    elif result["tohost"] != 1:
        detail = f"the program stored {result['tohost']} to tohost; it found an error itself"
    lines = retired_lines(expected.rows[max(0, retired - last) : retired]) if mismatches else []
    if job.task.area is not None and job.task.signature is not None and result["done"]:
        job.task.area.write(job.folder / "signature.hex", job.task.signature)
    passed = not mismatches and result["tohost"] == 1
    return ProgramResult(
        program.path.stem, retired, mismatches, passed, wall_s, detail, tuple(lines), int(result["cycles"])
    )


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


def run_tasks(
    simulator: Path,
    work: Path,
    tasks: Iterator[Task],
    *,
    jobs: int,
    stall: int,
    last: int,
) -> Iterator[tuple[int, ProgramResult]]:
    """Run programs, taken as they are needed: (number of the task, result), as they end.

    Parameters
    ----------
    simulator : built with `bsdgen.cosim.build.COCOTB`.
    work : folder for the jobs' files.
    jobs : processes at a time.
    stall, last : see `bsdgen.cosim.run.cosimulate`.

    Raises
    ------
    ToolError
        A simulator breaks down.
    """
    running: list[_Job] = []
    started = 0
    task = next(tasks, None)
    with _pool(running):
        while task is not None or running:
            while task is not None and len(running) < max(1, jobs):
                running.append(_start(simulator, work, stall, started, task))
                started += 1
                task = next(tasks, None)
            time.sleep(_POLL_S)
            for job in [job for job in running if job.process.poll() is not None]:
                result = _finish(job, last)
                running.remove(job)
                yield job.index, result
