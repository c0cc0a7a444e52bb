"""Programs on the emitted core, in lock-step with a reference.

Two harnesses drive one bench (``sim/bench.v``) and report by one scoreboard: ``sim/harness.cpp``, compiled
with the core, which runs the reference model beside it, and cocotb, which gets the reference's rows from
here. Either holds every retired instruction against the reference on all RVFI fields.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bsdgen.cosim.bench import (
    MAX_WORDS,
    ProgramResult,
    SignatureArea,
    bench_arguments,
    check_stall,
    image_text,
    signature_area,
)
from bsdgen.cosim.build import COCOTB, SMALL_DEPTH, find_cocotb
from bsdgen.cosim.cocotb_bench import Task, run_tasks
from bsdgen.cosim.harness import Answer, Harness, HarnessPool, Job
from bsdgen.cosim.listing import divergence, hang_text, retired_lines
from bsdgen.cosim.scoreboard import Expected, expected_rows, field_value
from bsdgen.cosim.simulator import KINDS, ShellName, simulator_of
from bsdgen.cosim.spike import find_spike, spike_rows
from bsdgen.errors import EndlessError, InputError, UsageError
from bsdgen.isa.machine import memory_block, trap_pc
from bsdgen.isa.program import Program, load_program
from bsdgen.isa.runner import run_program

__all__ = ["LAST", "MAX_STEPS", "ProgramResult", "cosimulate"]

MAX_STEPS = 5_000_000
LAST = 16
HarnessName = Literal["fast", "cocotb"]
Against = Literal["simulator", "spike", "none"]


@dataclass(frozen=True, eq=False)
class _Plan:
    """A program and what is wanted of it."""

    program: Program
    area: SignatureArea | None
    signature: Path | None


@dataclass(frozen=True)
class _Settings:
    """What all programs share; see `cosimulate`."""

    folder: Path
    depth: int
    work: Path
    against: Against
    max_steps: int
    jobs: int
    stall: int
    last: int
    waves: Path | None
    wave_length: int
    shell: ShellName = "single"
    resets: int = 0


def bench_depth(programs: Sequence[Program]) -> int:
    """Words of memory that the bench needs for any of these, a power of two.

    Raises
    ------
    InputError
        A program needs more than the bench can have.
    """
    depth = SMALL_DEPTH
    for program in programs:
        _, n_words = memory_block(program)
        if n_words > MAX_WORDS:
            raise InputError(
                f"{program.path}: needs {4 * n_words:,} bytes of memory, expected {4 * MAX_WORDS:,}"
            )
        while depth < n_words:
            depth *= 2
    return depth


def _plans(files: Sequence[Path], signature: Path | None) -> list[_Plan]:
    """Load the programs; a signature goes to the file named, or for several programs into that folder."""
    plans = []
    for file in files:
        program = load_program(file)
        _ = program.tohost  # asked for now: nothing runs if one is unfit
        if signature is None:
            plans.append(_Plan(program, None, None))
            continue
        path = signature if len(files) == 1 else signature / f"{file.stem}.signature"
        plans.append(_Plan(program, signature_area(program), path))
    stems = [plan.program.path.stem for plan in plans]
    if signature is not None and len(set(stems)) < len(stems):
        raise UsageError(f"{signature}: two programs have the same name, so their signatures would, too")
    return plans


def _expected(program: Program, settings: _Settings) -> Expected:
    """What must retire, as rows."""
    if settings.against == "spike":
        return spike_rows(program, settings.work, settings.max_steps)
    run = run_program(program, max_steps=settings.max_steps)
    return expected_rows(run.rows, trap_pc(program))


def job_of(
    program: Program, work: Path, name: str, *, max_steps: int, stall: int = 0, last: int = 0, resets: int = 0
) -> Job:
    """A job of the fast harness; its image is written to `work` under this name.

    Raises
    ------
    InputError
        The program has no `tohost`.
    """
    job: dict[str, str | int] = {
        "image": f"{name}.hex",
        **bench_arguments(program, stall),
        "max_steps": max_steps,
        "last": last,
        "resets": resets,
    }
    (work / f"{name}.hex").write_text(image_text(program), encoding="ascii")
    return job


def _fast_job(number: int, plan: _Plan, settings: _Settings) -> Job:
    name, work = f"{number}", settings.work
    job = dict(
        job_of(
            plan.program,
            work,
            name,
            max_steps=settings.max_steps,
            stall=settings.stall,
            last=settings.last,
            resets=settings.resets,
        )
    )
    if settings.against == "spike":
        expected = _expected(plan.program, settings)
        expected.rows.astype("<u4").tofile(work / f"{name}.rows")
        expected.care.astype("<u4").tofile(work / f"{name}.care")
        job |= {"rows": f"{name}.rows", "care": f"{name}.care"}
    if settings.against == "none":
        job |= {"compare": 0}
    if plan.area is not None:
        job |= plan.area.arguments(f"{name}.dump")
    return job


def difference(answer: Answer) -> tuple[int, str]:
    """How many fields differ at the mismatch that a harness tells, and a text about them; 0 if none."""
    at = answer["retired"]
    if answer["wrong"] and answer["expected"] is None:
        pc = field_value(np.array(answer["seen"], np.uint32), "pc_rdata")
        return 1, f"instruction {at} at pc {pc:#010x}: the reference had ended the program by then"
    if answer["wrong"]:
        seen, wanted, care = (np.array(answer[name], np.uint32) for name in ("seen", "expected", "care"))
        return divergence(seen, wanted, care)
    if answer["hung"]:
        return 1, hang_text(at)
    return 0, ""


def _endless(plan: _Plan, retired: int, detail: str, wall_s: float = 0.0, cycles: int = 0) -> ProgramResult:
    """The result of a program that nothing is wrong with but that it does not end."""
    name = plan.program.path.stem
    return ProgramResult(name, retired, 0, False, wall_s, detail, cycles=cycles, endless=True)


def _fast_result(plan: _Plan, answer: Answer, settings: _Settings) -> ProgramResult:
    mismatches, detail = difference(answer)
    program, retired, tohost = plan.program, int(answer["retired"]), int(answer["tohost"])
    wall_s, cycles = float(answer["wall_s"]), int(answer["cycles"])
    # What a reset leaves in memory may fail a program's own checks; the reference has stored the same.
    succeeds = tohost == 1 or answer["resets"] > 0
    if not mismatches and not answer["done"]:
        if settings.against == "simulator":
            detail = (
                f"retired {retired} instructions without a word store to 'tohost' ({program.tohost:#x}), as "
                f"did the reference; expected an end within {settings.max_steps}: mend the program or raise "
                "the step limit"
            )
            return _endless(plan, retired, detail, wall_s, cycles)
        mismatches = int(settings.against != "none")
        detail = f"retired {retired} instructions without a word store to tohost"
    elif not mismatches and not succeeds:
        detail = f"the program stored {tohost} to tohost; it found an error itself"
    passed = not mismatches and answer["done"] and succeeds
    lines = retired_lines(answer["last"]) if mismatches else []
    return ProgramResult(
        program.path.stem,
        retired,
        mismatches,
        passed,
        wall_s,
        detail,
        tuple(lines),
        cycles,
        longest=int(answer["longest"]),
        resets=int(answer["resets"]),
    )


Results = dict[int, ProgramResult]


def _run_fast(
    plans: Sequence[_Plan], settings: _Settings, results: Results, ended: Callable[[], None]
) -> None:
    simulator = simulator_of(settings.folder, KINDS[settings.shell][0], settings.depth, settings.shell)
    numbers: list[int] = []  # of the programs that became jobs

    def jobs() -> Iterator[Job]:
        for number, plan in enumerate(plans):
            try:
                job = _fast_job(number, plan, settings)
            except EndlessError as error:  # of Spike
                results[number] = _endless(plan, 0, str(error).removeprefix(f"{plan.program.path}: "))
                continue
            numbers.append(number)
            yield job

    with HarnessPool(simulator, settings.work, min(settings.jobs, len(plans)), ended) as pool:
        for at, answer in pool.run(jobs()):
            number = numbers[at]
            plan = plans[number]
            results[number] = _fast_result(plan, answer, settings)
            if plan.area is not None and plan.signature is not None and answer["done"]:
                plan.area.write(settings.work / f"{number}.dump", plan.signature)
            ended()


def _run_cocotb(
    plans: Sequence[_Plan], settings: _Settings, results: Results, ended: Callable[[], None]
) -> None:
    find_cocotb()
    simulator = simulator_of(settings.folder, COCOTB, settings.depth)
    numbers: list[int] = []

    def tasks() -> Iterator[Task]:
        for number, plan in enumerate(plans):
            try:
                expected = _expected(plan.program, settings)
            except EndlessError as error:
                results[number] = _endless(plan, 0, str(error).removeprefix(f"{plan.program.path}: "))
                continue
            numbers.append(number)
            yield Task(plan.program, expected, plan.area, plan.signature)

    for at, result in run_tasks(
        simulator, settings.work, tasks(), jobs=settings.jobs, stall=settings.stall, last=settings.last
    ):
        results[numbers[at]] = result
        ended()


def _write_wave(plan: _Plan, retired: int, settings: _Settings) -> None:
    """Run a failing program once more, on a simulator that can draw, and keep the last cycles."""
    assert settings.waves is not None
    simulator = simulator_of(settings.folder, KINDS[settings.shell][1], settings.depth, settings.shell)
    start = max(0, retired - settings.wave_length)
    job = {**_fast_job(0, plan, settings), "trace": "wave.vcd", "trace_from": start}
    harness = Harness(simulator, settings.work)
    try:
        harness.run(job)
    finally:
        harness.stop()
    settings.waves.mkdir(parents=True, exist_ok=True)
    (settings.waves / f"{plan.program.path.stem}.vcd").write_bytes((settings.work / "wave.vcd").read_bytes())


def cosimulate(
    folder: Path,
    programs: Sequence[Path],
    *,
    harness: HarnessName = "fast",
    against: Against = "simulator",
    max_steps: int = MAX_STEPS,
    jobs: int = 2,
    stall: int = 0,
    last: int = LAST,
    signature: Path | None = None,
    waves: Path | None = None,
    wave_length: int = 64,
    shell: ShellName = "single",
    resets: int = 0,
    progress: Callable[[int, int], None] | None = None,
    found: Callable[[list[ProgramResult]], None] | None = None,
) -> list[ProgramResult]:
    """Run programs on the core of the model in `folder`, in lock-step with a reference.

    Parameters
    ----------
    programs : ELF files; each ends by a word store to its symbol `tohost` (1 = pass).
    harness : "fast" (C++) or "cocotb".
    against : what the core is held to: "simulator" (the reference model), "spike" (a commit log that Spike
        writes), or "none" (fast harness only).
    max_steps : instructions after which a program counts as one that never ends.
    jobs : simulators that run at a time.
    stall : 0, or the seed of random cycles in which the core is held.
    last : how many retired instructions a failing result lists.
    signature : file for the signature, or for several programs the folder of ``<name>.signature``; written
        for each program that ends.
    waves : folder for ``<name>.vcd``, the last cycles of programs that diverge; None draws nothing.
    wave_length : how many retired instructions a wave shows.
    shell : the core to run. "fpga" and "wishbone" have a synchronous memory on their bus, and with `stall`
        one that answers at random cycles; fast harness only.
    resets : 0, or the seed of random cycles at which the core is reset, and our simulator with it; fast
        harness only. What the program finds in memory then may be no success to it; that passes.
    progress : called with (programs done, programs).
    found : called with the results as soon as all programs have run, before waveforms are drawn; when an
        error or an interrupt comes first, with those that there are if one of them did not pass.

    Returns
    -------
    One result a program, in the order given. Where one failed, that another does not end is a result, too.

    Raises
    ------
    EndlessError
        No program failed, but one does not end; `found` has been called.
    InputError
        No programs, an unfit one, nothing emitted, or a model that is no RV32I step function.
    ToolError
        A tool is missing or fails.
    UsageError
        Options that exclude each other, or `stall` or `resets` is out of its range.
    """
    check_stall(stall, resets)
    if not programs:
        raise InputError("no programs to run; name at least one ELF file")
    if harness == "cocotb" and against == "none":
        raise UsageError("the cocotb harness always compares; use the fast harness to run the core alone")
    if harness == "cocotb" and shell != "single":
        raise UsageError(f"the cocotb harness drives the shell single; use the fast harness for {shell}")
    if resets and (harness == "cocotb" or against != "simulator"):
        raise UsageError(
            "the core is reset with our simulator beside it, by the fast harness; leave resets out"
        )
    if against == "spike":
        find_spike()

    results: Results = {}

    def ended() -> None:
        if progress:
            progress(len(results), len(programs))

    ended()
    plans = _plans(programs, signature)
    depth = bench_depth([plan.program for plan in plans])
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        settings = _Settings(
            folder,
            depth,
            Path(name),
            against,
            max_steps,
            jobs,
            stall,
            last,
            waves,
            wave_length,
            shell,
            resets,
        )
        run = _run_fast if harness == "fast" else _run_cocotb
        try:
            run(plans, settings, results, ended)
        finally:
            known = [results[number] for number in sorted(results)]
            if found and (len(known) == len(plans) or any(result.failed for result in known)):
                found(known)
        if waves is not None:
            for plan, result in zip(plans, known, strict=True):
                if result.mismatches:
                    _write_wave(plan, result.retired, settings)
    if not any(result.failed for result in known):
        for plan, result in zip(plans, known, strict=True):
            if result.endless:
                raise EndlessError(f"{plan.program.path}: {result.detail}")
    return known
