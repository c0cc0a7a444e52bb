"""The proof of a model: every stage, every output, every instruction, by every engine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import Equivalence, prove_equivalent
from bsdgen.core.single import is_step_function
from bsdgen.errors import CheckFailed, InputError, UsageError
from bsdgen.model import Model
from bsdgen.prove.counterexample import Witness, decode, plausible
from bsdgen.prove.engines import ENGINES, Engine
from bsdgen.prove.miter import miter
from bsdgen.prove.replay import Player, players_for, replay
from bsdgen.prove.result import SHOWN, Proof, Row, StageProof, Verdict, with_replays
from bsdgen.prove.stages import MACHINES, STAGES, Stage, chosen_stages, cycles_of, load_stage, stages_of
from bsdgen.prove.tasks import Deadline, Finding, Pool, Task, pool, run_tasks, survey
from bsdgen.spec.cells import Cell
from bsdgen.spec.graph import Specification
from bsdgen.spec.step import Base, step_specification

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, tasks done, tasks in all)."""


def prove_step(classes: Sequence[str] | None, embedded: bool, learned: Aig) -> Equivalence:
    """Prove a netlist to be the step function on every bit that means something, by both engines at once.

    Parameters
    ----------
    classes : major opcodes outside of which nothing means anything; None: all words.
    embedded : RV32E instead of RV32I.
    learned : over `bsdgen.traces.schema.RVFI_SCHEMA`.
    """
    base: Base = "rv32e" if embedded else "rv32i"
    specification = step_specification(base, None if classes is None else tuple(classes))
    everything = range(specification.schema.n_outputs)
    pair = miter(specification, learned, specification.whole, everything)
    answer = prove_equivalent(pair.learned, pair.specified)
    if answer.output is None:
        return answer
    return Equivalence(answer.equal, answer.engines, answer.inputs, pair.positions[answer.output])


def prove_model(
    model: Model,
    folder: Path,
    specification: Specification,
    *,
    stages: Sequence[str] = STAGES,
    engines: Sequence[Engine] = ENGINES,
    base: Base = "rv32i",
    classes: tuple[str, ...] | None = None,
    only: Sequence[str] = (),
    jobs: int = 0,
    time_limit_s: float = 0.0,
    progress: Progress | None = None,
) -> Proof:
    """Prove a model's artifacts to be what a specification says, or find where they are not.

    Parameters
    ----------
    folder : the model's, with what `bsdgen emit` wrote.
    specification : over the model's fields.
    stages : of `STAGES` and `SHELL_STAGES`; of `STAGES` those that a model of this kind
        does not have are left out if all are asked for.
    engines : who is asked; a bit is proved when all of them prove it.
    base, classes : of the machine that a core is held to.
    only : names of instructions; nothing else is proved then. Empty: everything.
    jobs : processes; 0: all cores.
    time_limit_s : wall time after which what is left counts as undecided; 0: none.
    progress : told about every task.

    Raises
    ------
    InputError
        An artifact is missing or is none of this model.
    ToolError
        An engine or Yosys is missing or fails.
    CheckFailed
        The engines contradict each other.
    """
    begun, deadline = time.perf_counter(), Deadline(time_limit_s)
    model_sha256 = sha256(folder / "model.npz")
    wanted = chosen_stages(model, folder, specification, () if tuple(stages) == STAGES else stages)
    wanted = _concerned(specification, wanted, only)
    done: list[StageProof] = []
    known: dict[str, list[frozenset[int]]] = {}  # what is cared for: of the step, and of the core

    def players(stage: Stage) -> list[Player]:
        return players_for(stage, model, folder, base if is_step_function(model.schema) else None)

    with pool(specification, jobs, deadline) as workers:
        for name in wanted:
            if progress:
                progress(f"reading the {name}", 0, 0)
            stage = load_stage(name, model, folder, specification, base, classes)
            done.append(_prove_stage(workers, _narrowed(stage, only), engines, known, players, progress))
            if done[-1].verdict != "proved":
                break
    return Proof(
        verdict=_joint([stage.verdict for stage in done]),
        model_sha256=model_sha256,
        specification=specification.name,
        engines=tuple(engines),
        stages=tuple(done),
        skipped=tuple(wanted[len(done) :]),
        only=tuple(only),
        wall_s=time.perf_counter() - begun,
        jobs=jobs,
        time_limit_s=time_limit_s,
        tools=tool_versions("pyosys", "python-sat", "amaranth"),
        partial=is_partial(model, specification, stages, engines, only),
    )


def is_partial(
    model: Model,
    specification: Specification,
    stages: Sequence[str],
    engines: Sequence[Engine],
    only: Sequence[str],
) -> bool:
    """Whether a run of `prove_model` leaves out instructions, stages or engines: then it proves no model."""
    left_out = set(stages_of(model, specification)) - set(stages)
    return bool(only or left_out or set(ENGINES) - set(engines))


def _concerned(specification: Specification, stages: list[str], only: Sequence[str]) -> list[str]:
    """Stages that have at least one of some instructions; refuses instructions that there are not."""
    names = [cell.name for cell in specification.cells]
    cycles = list(dict.fromkeys(name for stage in stages for name in cycles_of(stage)))
    unknown = [name for name in only if name not in (*names, *cycles)]
    if unknown:
        there = ", ".join([*names, *cycles]) or "none, as it is no instruction set"
        raise UsageError(
            f"--instruction {unknown[0]}: {specification.name} has no such one; there are: {there}"
        )
    if not only or set(only) & set(names):
        return stages
    return [stage for stage in stages if set(only) & set(cycles_of(stage))]


def _narrowed(stage: Stage, only: Sequence[str]) -> Stage:
    """The stage with some instructions alone, and without the rows that are about all of them."""
    if not only:
        return stage
    cells = tuple(cell for cell in stage.specification.cells if cell.name in only)
    return replace(stage, specification=replace(stage.specification, cells=cells), rows={})


def _joint(verdicts: Sequence[Verdict]) -> Verdict:
    for verdict in ("disproved", "undecided"):
        if verdict in verdicts:
            return verdict  # type: ignore[return-value]
    return "proved"


def _prove_stage(
    workers: Pool,
    stage: Stage,
    engines: Sequence[Engine],
    known: dict[str, list[frozenset[int]]],
    players: Callable[[Stage], list[Player]],
    progress: Progress | None,
) -> StageProof:
    begun = time.perf_counter()
    of = stage.specification
    cells = [of.whole, *of.cells]
    if progress:
        progress(f"{stage.name}: what is cared for", 0, 0)
    live = known.get(of.name) or survey(workers, of, cells, "sat" if "sat" in engines else engines[0])
    outputs: list[Row] = []
    instructions: list[Row] = []
    witnesses: list[Witness] = []
    verdict: Verdict = "disproved" if stage.broken else "undecided"
    if live is not None:
        known[of.name] = live
        if not live[0]:
            raise InputError(f"{of.name}: says nothing of any output, so there is nothing to prove")
        by_cells = _engines_of_cells(stage, engines)
        by_output, by_cell = stage_tasks(stage, live, engines, by_cells)
        findings = _run(workers, stage, [*by_output, *by_cell], progress)
        names = of.schema.output_names()
        cared = {name: live[0].intersection(places) for name, places in stage.rows.items()}
        outputs = _rows(cared, findings[: len(by_output)], engines, names)
        cared = {cell.name: found for cell, found in zip(of.cells, live[1:], strict=True)}
        instructions = _rows(cared, findings[len(by_output) :], by_cells, names)
        witnesses = [plausible(stage, witness) for witness in _witnesses(findings, of.whole)]
        verdict = _verdict(stage, [*outputs, *instructions], findings)
    examples = [decode(stage, witness) for witness in witnesses]
    if examples:
        if progress:
            progress(f"{stage.name}: replaying what is wrong", 0, 0)
        replayed = [replay(stage, witness, players(stage)) for witness in witnesses[:SHOWN]]
        examples[:SHOWN] = map(with_replays, examples, replayed)
    return StageProof(
        name=stage.name,
        artifact=str(stage.artifact),
        verdict=verdict,
        wall_s=time.perf_counter() - begun,
        artifacts=stage.artifacts,
        outputs=tuple(outputs),
        instructions=tuple(instructions),
        counterexamples=tuple(examples),
        notes=(*stage.notes, *([stage.broken] if stage.broken else [])),
    )


def _engines_of_cells(stage: Stage, engines: Sequence[Engine]) -> Sequence[Engine]:
    """Who is asked about instructions: of a core one engine, if all are asked about all inputs anyway.

    What is proved for all inputs is proved for those of an instruction; asking ABC for each of a core's
    instructions as well takes three times as long as everything else together.
    """
    return ("sat",) if stage.name in MACHINES and stage.rows and "sat" in engines else engines


def stage_tasks(
    stage: Stage, live: Sequence[frozenset[int]], engines: Sequence[Engine], by_cells: Sequence[Engine]
) -> tuple[list[Task], list[Task]]:
    """All questions of a stage: each output over all inputs, and all outputs over each cell.

    Where all inputs are asked about, that is the proof: every engine gets every output, so that a bit that
    is wrongly said to mean nothing (`live`) is no bit that nobody asks about. The same holds of the cells
    where they are all that is asked.
    """
    of = stage.specification
    whole = [
        Task(name, of.whole, places, engine) for name, places in stage.rows.items() for engine in engines
    ]
    everything = tuple(range(of.schema.n_outputs))
    parts = [
        Task(cell.name, cell, tuple(sorted(found)) if whole else everything, engine)
        for cell, found in zip(of.cells, live[1:], strict=True)
        for engine in by_cells
    ]
    return whole, parts


def _run(workers: Pool, stage: Stage, tasks: list[Task], progress: Progress | None) -> list[Finding]:
    done = 0

    def told(finding: Finding) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(f"{stage.name}: {finding.task.row}", done, len(tasks))

    return run_tasks(workers, stage.specification, stage.learned, tasks, told)


def _rows(
    cared: dict[str, frozenset[int]],
    findings: Sequence[Finding],
    engines: Sequence[Engine],
    names: Sequence[str],
) -> list[Row]:
    """One line a name, in the order of `cared`, with counts of what means something."""
    rows = []
    for name, live in cared.items():
        mine = {finding.task.engine: finding for finding in findings if finding.task.row == name}
        wrong = sorted({at for finding in mine.values() for at in finding.refuted or {}})
        for finding in mine.values():
            both = set(wrong).intersection(finding.proved)
            if both:
                raise CheckFailed(
                    f"the engines contradict each other on {name}: {finding.task.engine} proves "
                    f"{names[min(both)]}, which another one disproves; neither can be trusted, report this"
                )
        rows.append(
            Row(
                name,
                len(live),
                {engine: len(live.intersection(mine[engine].proved)) for engine in engines},
                {engine: round(mine[engine].seconds or 0.0, 4) for engine in engines},
                tuple(names[at] for at in wrong),
            )
        )
    return rows


def _witnesses(findings: Sequence[Finding], whole: Cell) -> list[Witness]:
    """One assignment a cell that has one; of the whole only where no cell has any."""
    found: dict[Cell, U64] = {}
    for finding in findings:
        if finding.refuted and finding.task.cell not in found:
            found[finding.task.cell] = finding.refuted[min(finding.refuted)]
    parts = [Witness(cell.name, inputs) for cell, inputs in found.items() if cell != whole]
    return parts or [Witness("", inputs) for inputs in found.values()]


def _verdict(stage: Stage, rows: Sequence[Row], findings: Sequence[Finding]) -> Verdict:
    """Proved if every question was answered; an answer proves what it does not refute."""
    if stage.broken or any(finding.refuted for finding in findings):
        return "disproved"
    open_ = any(finding.seconds is None for finding in findings)
    if open_ or not findings or any(row.by_all != row.cared for row in rows):
        return "undecided"
    return "proved"
