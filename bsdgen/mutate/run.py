"""Faults in a model's optimised netlist: who catches which."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import ENGINES, Engine
from bsdgen.errors import CheckFailed, InputError
from bsdgen.isa.disassembly import disassemble
from bsdgen.isa.runner import MAX_STEPS
from bsdgen.model import Model
from bsdgen.mutate.decision import Decision, decide_all
from bsdgen.mutate.faults import KINDS, Fault, draw_fault, faulty
from bsdgen.mutate.found import Found
from bsdgen.mutate.result import FaultResult, Mutation, judge
from bsdgen.mutate.sample import sampled, whole_proof
from bsdgen.mutate.simulation import Vectors
from bsdgen.mutate.vectors import blocks_of, directed, recorded, uniform
from bsdgen.prove.counterexample import values_of
from bsdgen.prove.run import prove_model
from bsdgen.prove.stages import load_stage
from bsdgen.prove.tasks import Pool
from bsdgen.spec.graph import Specification
from bsdgen.spec.step import Base

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""

_CHUNK = 8  # faults that a process is given at a time
_SMALL = 100_000  # faults times ANDs up to which starting processes takes longer than all that is asked


def mutate_netlist(
    model: Model,
    folder: Path,
    specification: Specification,
    numbers: Sequence[int],
    *,
    seed: int = 0,
    vectors: int = 1 << 20,
    files: Sequence[Path] = (),
    engines: tuple[Engine, ...] = ENGINES,
    base: Base = "rv32i",
    classes: tuple[str, ...] | None = None,
    time_limit_s: float = 60.0,
    max_steps: int = MAX_STEPS,
    sample: int = 1,
    jobs: int = 0,
    before: Mutation | None = None,
    checkpoint: Callable[[Mutation], None] = lambda run: None,
    progress: Progress = lambda text, done, total: None,
) -> Mutation:
    """Put faults into ``circuit.aig`` one at a time, and see who catches them.

    Parameters
    ----------
    folder : the model's, with what `bsdgen emit` wrote.
    specification : what the netlist is, which is proved first.
    numbers : faults of the seed (`bsdgen.mutate.faults.draw_fault`).
    vectors : uniform ones, and as many directed ones (those of `bsdgen measure` with this seed).
    files : traces and programs, for their rows.
    engines : of the proof; each is asked about each fault.
    base, classes : what the specification is of, for the proof of the model.
    time_limit_s : for each engine and fault; what is open then is undecided.
    sample : how many faults of each kind, of those that the engines disprove, go through the whole proof of
        the circuit, as `bsdgen prove` does it.
    jobs : processes; 0: all cores.
    before : what an earlier run of the same found; only what it left undecided is asked again.
    checkpoint : gets the results so far, every few faults.

    Raises
    ------
    CheckFailed
        The netlist without a fault is not proved to be what is specified.
    InputError
        An artifact is missing, a file is no program or trace, or `before` is of something else.
    ToolError
        An engine is missing.
    """
    begun = time.perf_counter()
    proved = _prove_sound(model, folder, specification, engines, base, classes, jobs, progress)
    stage = load_stage("circuit", model, folder, specification)
    if stage.artifacts != proved:
        raise InputError(f"{stage.artifact}: was changed while it was read; let nothing write it meanwhile")
    (digest,) = stage.artifacts.values()
    blank = Mutation(
        of="netlist",
        artifact=str(stage.artifact),
        artifact_sha256=digest,
        model_sha256=sha256(folder / "model.npz"),
        specification=specification.name,
        seed=seed,
        kinds=KINDS,
        engines=engines,
        sources={},
        faults=(),
        wall_s=0.0,
        jobs=jobs,
        time_limit_s=time_limit_s,
        tools=tool_versions("pyosys", "python-sat", "amaranth"),
    )
    found = Found(blank, numbers, [specification.digest, vectors, max_steps], files, before, checkpoint)
    aig = stage.learned
    faults = [draw_fault(aig, seed, number) for number in found.open]
    if faults:
        sources = _sources(specification, seed, vectors, files, max_steps, progress)
        caught: list[dict[str, int]] = [{} for _ in faults]
        examples: list[U64 | None] = [None] * len(faults)
        for name, (total, blocks) in sources.items():
            found.sources[name] = _look(
                name, total, blocks, specification, aig, faults, caught, examples, progress
            )
        key = f"{digest} {specification.digest}"
        for at, decision in _decide(key, specification, aig, faults, engines, time_limit_s, jobs, progress):
            found.add(_result(specification, faults[at], caught[at], examples[at], decision))
    chosen = sampled(found.results, KINDS, seed, sample)
    for done, item in enumerate(chosen):
        progress("putting faults through the whole proof", done, len(chosen))
        if not item.proof:
            broken = faulty(aig, draw_fault(aig, seed, item.number))
            options = {"engines": engines, "base": base, "classes": classes, "jobs": jobs}
            verdict = whole_proof(model, folder, specification, broken, 10 * time_limit_s, options)
            found.add(msgspec.structs.replace(item, proof=verdict))
    return found.run(wall_s=time.perf_counter() - begun)


def _prove_sound(
    model: Model,
    folder: Path,
    specification: Specification,
    engines: tuple[Engine, ...],
    base: Base,
    classes: tuple[str, ...] | None,
    jobs: int,
    progress: Progress,
) -> dict[str, str]:
    """A fault in what is wrong already would tell nothing. Returns what was proved, by file."""
    proof = prove_model(
        model,
        folder,
        specification,
        stages=("circuit",),
        engines=engines,
        base=base,
        classes=classes,
        jobs=jobs,
        progress=lambda text, done, total: progress("proving the netlist without a fault", done, total),
    )
    if proof.verdict != "proved":
        raise CheckFailed(
            f"{folder}: its circuit.aig is not proved to be {specification.name} ({proof.verdict}), so "
            f"faults in it would tell nothing; see `bsdgen prove {folder}`"
        )
    return proof.stages[0].artifacts


def _sources(
    specification: Specification,
    seed: int,
    vectors: int,
    files: Sequence[Path],
    max_steps: int,
    progress: Progress,
) -> dict[str, tuple[int, Iterator[U64]]]:
    """Blocks of assignments by source, and how many there are."""
    schema = specification.schema
    found: dict[str, tuple[int, Iterator[U64]]] = {}
    if files:

        def told(done: int, total: int) -> None:
            progress("running programs", done, total)

        rows = recorded(schema, files, max_steps, told)
        found["programs"] = rows.shape[0], blocks_of(rows, schema.n_inputs)
    found["random"] = vectors, uniform(schema, seed, vectors)
    found["directed"] = vectors, directed(schema, seed, vectors)
    return found


def _look(
    name: str,
    total: int,
    blocks: Iterator[U64],
    specification: Specification,
    aig: Aig,
    faults: Sequence[Fault],
    caught: list[dict[str, int]],
    examples: list[U64 | None],
    progress: Progress,
) -> int:
    """Fill in which faults the vectors of a source show, and an example for each; returns how many
    vectors were looked at."""
    left = list(range(len(faults)))
    for found in caught:
        found[name] = -1
    begin = 0
    for columns in blocks:
        progress(f"simulating {name} vectors", begin, total)
        there = Vectors(specification, aig, columns)
        if there.wrong():
            raise CheckFailed(
                f"the netlist is proved, but a {name} vector contradicts its specification; report this"
            )
        for at in left:
            first = there.see(faults[at]).first
            if first >= 0:
                caught[at][name] = begin + first
                if examples[at] is None:
                    examples[at] = _row(columns, first)
        left = [at for at in left if caught[at][name] < 0]
        begin += 64 * columns.shape[1]
    return min(begin, total) if name == "programs" else begin


def _row(columns: U64, position: int) -> U64:
    """One assignment of columns, packed."""
    from bsdgen.bits import from_bool

    bits = (columns[:, position // 64] >> (position % 64)) & 1
    packed: U64 = from_bool(bits.astype(bool)[None])[0]
    return packed


def _decide(
    key: str,
    specification: Specification,
    aig: Aig,
    faults: Sequence[Fault],
    engines: tuple[Engine, ...],
    limit_s: float,
    jobs: int,
    progress: Progress,
) -> Iterator[tuple[int, Decision]]:
    """What the engines say of each fault, by its position, as it comes."""
    parts = [range(begin, min(begin + _CHUNK, len(faults))) for begin in range(0, len(faults), _CHUNK)]
    calls = [
        (decide_all, key, specification, aig, tuple(faults[at] for at in part), engines, limit_s)
        for part in parts
    ]
    workers = Pool(jobs, inline=len(faults) * aig.n_ands <= _SMALL)
    done = 0
    try:
        progress("proving faults", 0, len(faults))
        for position, decisions in workers.each(calls):
            yield from zip(parts[position], decisions, strict=True)
            done += len(decisions)
            progress("proving faults", done, len(faults))
    finally:
        workers.close()


def _result(
    specification: Specification,
    fault: Fault,
    caught: dict[str, int],
    example: U64 | None,
    decision: Decision,
) -> FaultResult:
    engines: dict[str, str] = {name: said for name, said in decision.verdicts.items()}
    shown = decision.witness if example is None else example
    verdict, killable = judge(engines, shown is not None)
    return FaultResult(
        number=fault.number,
        kind=fault.kind,
        text=fault.text,
        verdict=verdict,
        killable=killable,
        engines=engines,
        caught=caught,
        example="" if shown is None else _words(specification, shown),
        seconds={name: spent for name, spent in decision.seconds.items()},
    )


def _words(specification: Specification, inputs: U64) -> str:
    """An assignment in words."""
    values = values_of(specification.schema.inputs, inputs)
    given = " ".join(f"{name}={value:#x}" for name, value in values.items())
    if "insn" in values and "pc_rdata" in values:
        return f"{disassemble(values['insn'], values['pc_rdata'])} ({given})"
    return given
