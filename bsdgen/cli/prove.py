"""``bsdgen prove``: a model against the formal specification, from the diagram to the core."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress
from bsdgen.cli.options import Jobs, Seed
from bsdgen.errors import BudgetReached, CheckFailed, InputError, ToolError, UsageError

if TYPE_CHECKING:
    from bsdgen.model import Model
    from bsdgen.prove.result import Proof
    from bsdgen.prove.selfcheck import SpikeResult
    from bsdgen.spec.graph import Specification
    from bsdgen.spec.step import Base


class EngineChoice(StrEnum):
    """Who is asked."""

    BOTH = "both"
    ABC = "abc"
    SAT = "sat"


class StageChoice(StrEnum):
    """Artifacts on the way to the core."""

    DIAGRAM = "diagram"
    CIRCUIT = "circuit"
    VERILOG = "verilog"
    CORE = "core"
    FPGA = "fpga"
    WISHBONE = "wishbone"


class Isa(StrEnum):
    """Instruction sets that there is a specification of."""

    RV32I = "rv32i"
    RV32E = "rv32e"


IsaName = Annotated[
    Isa | None,
    typer.Option(
        "--isa", metavar="rv32i|rv32e", help="What the model must be (default: what it was learned from)."
    ),
]
Subset = Annotated[
    str | None,
    typer.Option(
        "--subset",
        metavar="CLASS,...",
        help="Opcode classes outside of which nothing is specified (default: those it was learned on).",
    ),
]
SpecFile = Annotated[
    Path | None,
    typer.Option(
        "--spec",
        metavar="FILE",
        help="Verilog or RTLIL that the model must be: ports named as its fields, and <output>_care where "
        "not all bits mean something.",
    ),
]
TopModule = Annotated[
    str, typer.Option("--top", metavar="MODULE", help="Module of --spec (default: the topmost).")
]
"""Options that say what a model is held to."""


def prove(
    out: Output,
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL]", help="Folder of a learned model, e.g. rtl_out/rv32i."),
    ] = None,
    *,
    engine: Annotated[
        EngineChoice,
        typer.Option("--engine", metavar="both|abc|sat", help="Who must prove every bit."),
    ] = EngineChoice.BOTH,
    stages: Annotated[
        list[StageChoice] | None,
        typer.Option(
            "--stage",
            metavar="diagram|circuit|verilog|core|fpga|wishbone",
            help="What to prove; may be given more than once (default: all that there is).",
        ),
    ] = None,
    instructions: Annotated[
        str | None,
        typer.Option("--instruction", metavar="NAME,...", help="Prove these instructions only."),
    ] = None,
    isa: IsaName = None,
    subset: Subset = None,
    spec: SpecFile = None,
    top: TopModule = "",
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            min=0,
            help="Wall time; what is open then is undecided. 0: none.",
        ),
    ] = 0.0,
    jobs: Jobs = None,
    check_spec: Annotated[
        bool,
        typer.Option(
            "--check-spec",
            help="Check the specification itself: against the simulator on vectors, and against Spike on the "
            "shipped programs where Spike is installed.",
        ),
    ] = False,
    vectors: Annotated[
        int, typer.Option("--vectors", "-n", metavar="N", min=1, help="Vectors for --check-spec.")
    ] = 100_000_000,
    seed: Seed = 0,
) -> None:
    """Prove a model equal to a formal specification on every output bit that means something.

    The specification of RV32I is written from the manual, apart from the simulator. Proved are the diagram,
    circuit.aig, the emitted Verilog, and what the core does in one cycle from any state, and so the shells
    fpga and wishbone where `bsdgen emit --shell` wrote them; by ABC and by a SAT solver, output by output and
    instruction by instruction. A disproof gives the instruction, the state, and what the simulator and the
    Verilog make of it. Writes proof.json into the model's folder, or proof_partial.json if instructions,
    stages or an engine are left out. Ends with exit code 1 when something is wrong, 5 when the time limit
    left something undecided.
    """
    if check_spec:
        if model is not None or spec is not None:
            raise UsageError("--check-spec is about the built-in specification; leave MODEL and --spec out")
        _check_spec(out, isa or Isa.RV32I, vectors, seed, jobs)
        return
    if model is None:
        raise UsageError("nothing to prove: give the folder of a model, or --check-spec")
    from bsdgen.artifacts import check_writable, locked, sole_writer, write_json
    from bsdgen.model import Model
    from bsdgen.prove.engines import ENGINES, Engine
    from bsdgen.prove.result import proof_text
    from bsdgen.prove.run import is_partial, prove_model
    from bsdgen.prove.stages import STAGES, emitted_shells

    out.held.enter_context(locked(model, shared=True))
    loaded = Model.load(model)
    check_writable(model)
    if not loaded.info.get("learn", {}).get("finished", True):
        out.note(f"{model}: is not finished, a budget was reached while it was learned")
    specification, base, classes = specification_of(loaded, model, isa, subset, spec, top)
    chosen = [item.value for item in stages] if stages else [*STAGES, *emitted_shells(model)]
    if spec is not None:
        chosen = _without_core(chosen, stages is not None)
    engines: dict[EngineChoice, tuple[Engine, ...]]
    engines = {EngineChoice.BOTH: ENGINES, EngineChoice.ABC: ("abc",), EngineChoice.SAT: ("sat",)}
    only = tuple(name.strip() for name in instructions.split(",")) if instructions else ()
    partial = is_partial(loaded, specification, chosen, engines[engine], only)
    path = model / ("proof_partial.json" if partial else "proof.json")
    out.held.enter_context(sole_writer(path))
    path.unlink(missing_ok=True)  # what it says is no longer what the last run said
    with out.progress("proving") as progress:
        proof = prove_model(
            loaded,
            model,
            specification,
            stages=chosen,
            engines=engines[engine],
            base=base,
            classes=classes,
            only=only,
            jobs=jobs or 0,
            time_limit_s=time_limit,
            progress=_teller(progress),
        )
    write_json(path, proof)
    out.result(plain(proof), proof_text(proof))
    _conclude(proof, model, path, time_limit)


def plain(value: object) -> dict[str, Any]:
    """A result as a JSON-ready object."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain


def _teller(progress: Progress) -> Any:
    def tell(text: str, done: int, total: int) -> None:
        stage, _, what = text.partition(": ")
        progress.stage(f"proving the {stage}" if what else text, what)
        progress(done, total)

    return tell


def _without_core(chosen: list[str], asked: bool) -> list[str]:
    """A specification of the step function says nothing of a core."""
    from bsdgen.prove.stages import MACHINES

    machines = [name for name in chosen if name in MACHINES]
    if machines and asked:
        raise UsageError(f"--spec says nothing of the core; leave --stage {machines[0]} or --spec out")
    return [name for name in chosen if name not in MACHINES]


def specification_of(
    model: "Model", folder: Path, isa: Isa | None, subset: str | None, spec: Path | None, top: str
) -> "tuple[Specification, Base, tuple[str, ...] | None]":
    """What the model must be, and what its core is built around."""
    from bsdgen.core.single import is_step_function
    from bsdgen.isa.subsets import opcode_classes
    from bsdgen.prove.given import read_specification
    from bsdgen.spec.step import step_specification

    if spec is not None:
        if isa is not None or subset is not None:
            raise UsageError("--spec says what the model must be; leave --isa and --subset out")
        return read_specification(spec, model.schema, top), "rv32i", None
    if top:
        raise UsageError("--top names a module of --spec FILE; give that too, or leave --top out")
    if not is_step_function(model.schema):
        fields = ", ".join(field.name for field in model.schema.fields)
        raise InputError(
            f"{folder}: there is no built-in specification of a function with the fields {fields}; give one "
            "with --spec FILE, a combinational Verilog module with ports of these names"
        )
    base, classes = _learned_from(str(model.info.get("oracle", "")))
    if isa is not None:
        base = isa.value
    if subset is not None:
        classes = opcode_classes(subset)
    return step_specification(base, classes), base, classes


def _learned_from(oracle: str) -> "tuple[Base, tuple[str, ...] | None]":
    """Instruction set and opcode classes that an oracle's name says; InputError if there are none such.

    >>> _learned_from("simulator:rv32e+branch+load"), _learned_from("elsewhere:step")
    (('rv32e', ('branch', 'load')), ('rv32i', None))
    """
    from bsdgen.oracle.resolve import simulator_parts

    if oracle.partition(":")[0] != "simulator":
        return "rv32i", None
    base, classes = simulator_parts(oracle)
    return base, classes or None


def _conclude(proof: "Proof", model: Path, path: Path, time_limit: float) -> None:
    """End with the exit code that says what came out."""
    if proof.verdict == "proved":
        return
    last = proof.stages[-1]
    if proof.verdict == "undecided":
        raise BudgetReached(
            f"{model}: the {last.name} is neither proved nor disproved within {time_limit:g} s; "
            f"what is proved stands in {path}. Raise --time-limit"
        )
    wrong = ", ".join(last.wrong_instructions[:5]) or ", ".join(row.name for row in last.outputs if row.wrong)
    what = f"in {wrong}" if wrong else "; ".join(last.notes)
    again = "" if last.name == "diagram" else f"; write it again with `{_again(model, last.name)}`"
    raise CheckFailed(
        f"{model}: the {last.name} is not {proof.specification}: it is wrong {what}{again}. "
        f"A counterexample for each stands in {path}"
    )


def _again(model: Path, stage: str) -> str:
    """The command that writes a stage's file again."""
    from bsdgen.core.shells import emit_command
    from bsdgen.prove.stages import SHELL_STAGES

    return emit_command(model, stage if stage in SHELL_STAGES else "")


def _check_spec(out: Output, isa: Isa, vectors: int, seed: int, jobs: int | None) -> None:
    """Hold the specification to the simulator and to Spike."""
    from bsdgen.cli.options import use_jobs
    from bsdgen.measure import measurement_text
    from bsdgen.oracle.simulator import SimulatorOracle
    from bsdgen.prove.selfcheck import check_against_simulator
    from bsdgen.spec.step import step_specification

    use_jobs(jobs)
    specification = step_specification(isa.value)
    with out.progress("checking the specification against the simulator") as progress:
        result = check_against_simulator(
            specification, SimulatorOracle(isa.value), vectors=vectors, seed=seed, progress=progress
        )
    spike: list[SpikeResult] = []
    skipped = "there is no Spike check of RV32E here" if isa is Isa.RV32E else ""
    if not skipped:
        spike, skipped = _check_spike(out, specification)
    lines = [measurement_text(result)]
    lines += [
        f"Spike, {item.name}: {item.rows:,} instructions, {item.errors:,} errors; {item.left_out:,} left out"
        for item in spike
    ]
    lines += [f"not checked against Spike: {skipped}"] if skipped else []
    facts = {
        "specification": specification.name,
        **result.as_dict(),
        "spike": [asdict(item) for item in spike],
        "spike_skipped": skipped,
    }
    out.result(facts, "\n".join(lines))
    if result.errors:
        raise CheckFailed(
            f"the specification of {specification.name} and the simulator differ on {result.errors:,} of "
            f"{result.vectors:,} vectors; one of them is wrong"
        )
    wrong = next((item for item in spike if item.errors), None)
    if wrong is not None:
        raise CheckFailed(
            f"{wrong.name}: the specification and Spike differ in {wrong.errors:,} of {wrong.rows:,} "
            f"instructions, first in {wrong.first:#010x}; one of them is wrong"
        )


def _check_spike(out: Output, specification: "Specification") -> "tuple[list[SpikeResult], str]":
    """Results by program, or why there are none."""
    from bsdgen.cli.cosim import shipped_programs
    from bsdgen.cli.record import program_files
    from bsdgen.prove.selfcheck import check_against_spike, find_spike

    try:
        find_spike()
        programs = program_files(shipped_programs())
    except (ToolError, InputError) as error:
        return [], str(error)
    with out.progress("checking the specification against Spike") as progress:
        results = []
        for done, program in enumerate(programs):
            progress(done, len(programs))
            results += check_against_spike(specification, [program])
    return results, ""
