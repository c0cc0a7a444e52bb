"""``bsdgen learn``: the main command, from an oracle and recorded rows to a model."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.learn_events import log_of, subscriber
from bsdgen.cli.options import Jobs, OracleText, Seed
from bsdgen.errors import BudgetReached, InputError, OracleContradiction, OracleError, UsageError

if TYPE_CHECKING:
    from bsdgen.learn import LearnConfig
    from bsdgen.model import Model
    from bsdgen.oracle.checked import CheckedOracle
    from bsdgen.traces.schema import Schema
    from bsdgen.traces.store import Traces


def learn(
    out: Output,
    traces: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[TRACES]...", help="Traces (*.parquet, *.pla, *.csv), or folders of them."),
    ] = None,
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Folder for the model (default: rtl_out/ and the oracle's name).",
        ),
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    oracle: OracleText = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="TOML file with the fields, for --oracle module:function and for CSV files.",
        ),
    ] = None,
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset",
            metavar="CLASS,...",
            help="Opcode classes to learn, e.g. branch,load: rows of others are left out, and nothing is "
            "cared for there.",
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="Learn from the recorded rows alone: no oracle is asked, none need exist."
        ),
    ] = False,
    questions: Annotated[
        int,
        typer.Option(
            "--questions",
            metavar="N",
            min=0,
            help="Learn from the recorded rows first, then ask the oracle where they leave doubt, at most N "
            "rows; 0: the oracle teaches from the start.",
        ),
    ] = 0,
    hold_out: Annotated[
        float,
        typer.Option(
            "--hold-out",
            metavar="PERCENT",
            min=0,
            max=90,
            help="With --alone and --questions: share of the rows that is kept from learning and measures "
            "the model.",
        ),
    ] = 10.0,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit", metavar="SECONDS", min=0, help="Budget of wall time of this run; 0: none."
        ),
    ] = 0.0,
    max_nodes: Annotated[
        int, typer.Option("--max-nodes", metavar="N", min=1, help="Budget of functions.")
    ] = 400_000,
    max_rounds: Annotated[
        int, typer.Option("--max-rounds", metavar="N", min=1, help="Budget of rounds of refinement.")
    ] = 60,
    max_memory: Annotated[
        float,
        typer.Option(
            "--max-memory",
            metavar="MIB",
            min=0,
            help="Budget of resident memory; 0: 80 % of what the machine or its control group allows.",
        ),
    ] = 0.0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was stopped in this folder.")
    ] = False,
    allow_differing: Annotated[
        bool,
        typer.Option(
            "--allow-differing", help="Learn what the oracle says although recorded rows say otherwise."
        ),
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Write every event as a line of JSON into this file."),
    ] = None,
) -> None:
    """Learn an oracle's function as a diagram, starting from recorded rows.

    The oracle is the one that the traces name, unless --oracle gives another. With --oracle module:function
    --schema fields.toml, traces are optional. A budget that is used up ends with exit code 5 and the best
    model so far, which is marked as unfinished and comes with its accuracy on fresh rows.

    While it learns, a checkpoint lies in the folder: however the run was stopped, the same command with
    --resume goes on and ends with the same model. Budgets and --jobs may be others then.
    """
    from bsdgen.artifacts import check_writable, locked
    from bsdgen.learn import BsdLearner, LearnConfig, fence, remove_checkpoint
    from bsdgen.model import Model

    rows = _read(traces or [], schema)
    fields = _schema(schema, rows)
    if alone:
        given = {
            "--oracle": oracle,
            "--subset": subset,
            "--resume": resume,
            "--allow-differing": allow_differing,
            "--questions": questions,
        }
        refused = [name for name, value in given.items() if value]
        if refused:
            raise UsageError(f"--alone asks no oracle and goes in one run: leave {', '.join(refused)} out")
    if questions and (resume or allow_differing):
        raise UsageError(
            "--questions learns from the rows and the oracle together, in one run: leave "
            f"{'--resume' if resume else '--allow-differing'} out"
        )
    text = oracle if oracle is not None else (rows.oracle if rows is not None else "")
    asked: CheckedOracle | None = None
    differing = 0
    if not alone:
        if subset is not None:
            text, rows = _inside(subset, text, rows)
        asked = _oracle(text, fields, rows)
        differing = _hold_to(asked, rows, allow_differing, out)
    target = folder if folder is not None else Path("rtl_out") / (_name(text) if text else "alone")
    check_writable(target)
    out.held.enter_context(locked(target, make=True))
    config = LearnConfig(
        seed=seed,
        jobs=jobs or 0,
        time_limit_s=time_limit,
        max_nodes=max_nodes,
        max_rounds=max_rounds,
        max_memory_mib=max_memory,
    )
    if asked is None or questions:
        _from_rows(out, rows, target, text, config, hold_out, log, (asked, questions), differing)
        return
    learner = BsdLearner(config)
    reached: BudgetReached | None = None
    checkpoint = target / "checkpoint"
    resume = _resumes(checkpoint, resume, out)
    with (
        out.progress("learning") as progress,
        log_of(log, resume) as write,
        fence(),
    ):
        try:
            learner.fit(
                asked,
                rows.inputs if rows is not None else None,
                on_event=subscriber(progress, out, write),
                checkpoint=checkpoint,
                resume=resume,
            )
        except BudgetReached as error:
            reached = error
        except OracleError as error:
            _tidy(checkpoint, error)
            raise
    try:
        asked.recheck()
    except OracleError as error:
        _tidy(checkpoint, error)
        raise
    info = {
        "oracle": text,
        "traces": {**_provenance(rows), "differing": differing},
        "config": asdict(config),
        "learn": asdict(learner.stats_),
        "speculation": learner.ledger_summary_,
        "tools": _tools(),
    }
    model = Model(learner.bsd_, fields, info, dict(learner.ledger_))
    try:
        model.save(target)
    except InputError as error:  # what was learned is not lost
        raise InputError(f"{error}, and go on with: {out.again(resume=True)}") from error
    _report(out, model, target)
    if reached is not None:
        raise BudgetReached(
            f"{reached}; {target} holds the best diagram so far, which is not finished. Go on with a larger "
            f"budget and --resume: {out.again(resume=True)}"
        )
    remove_checkpoint(checkpoint)


def _from_rows(
    out: Output,
    rows: "Traces | None",
    target: Path,
    text: str,
    config: "LearnConfig",
    hold_out: float,
    log: Path | None,
    ask: "tuple[CheckedOracle | None, int]",
    differing: int,
) -> None:
    """Learn from rows, alone or with questions second; save and report."""
    from bsdgen.cli.learn_rows import judge, learn_rows, verdict
    from bsdgen.learn import fence

    asked, questions = ask
    with out.progress("learning") as progress, log_of(log, False) as write, fence():
        model = learn_rows(rows, config, hold_out / 100, subscriber(progress, out, write), asked, questions)
    if asked is not None:
        asked.recheck()
    model.info["oracle"] = text
    model.info["traces"] = {**_provenance(rows), "differing": differing}
    model.info["tools"] = _tools()
    model.save(target)
    _report(out, model, target, verdict(model, target))
    judge(model)


def _read(paths: list[Path], schema: Path | None) -> "Traces | None":
    if not paths:
        return None
    from bsdgen.traces.schema import load_schema
    from bsdgen.traces.store import read_traces

    return read_traces(paths, load_schema(schema) if schema is not None else None)


def _schema(path: Path | None, rows: "Traces | None") -> "Schema":
    """Fields from the schema file or the traces; both must agree where both are given."""
    from bsdgen.traces.schema import load_schema

    if path is None and rows is None:
        raise UsageError(
            "nothing to learn from: give TRACES, or --oracle module:function with --schema fields.toml"
        )
    if path is None:
        assert rows is not None
        return rows.schema
    fields = load_schema(path)
    if rows is not None and rows.schema != fields:
        raise InputError(
            f"{path}: its fields are not those of the traces; leave --schema out, or record anew with it"
        )
    return fields


def _inside(subset: str, text: str, rows: "Traces | None") -> "tuple[str, Traces | None]":
    """The oracle that cares for some opcode classes alone, and the recorded rows of these."""
    from bsdgen.isa.subsets import opcode_classes, rows_inside

    classes = opcode_classes(subset)
    if not text.startswith("simulator:") or "+" in text:
        raise UsageError(
            f"--subset {subset}: goes with simulator:rv32i and simulator:rv32e, not with "
            f"{text or 'no oracle'}; leave it out"
        )
    inside = None if rows is None else rows.only(rows_inside(rows.inputs, classes))
    return "+".join([text, *classes]), inside


def _oracle(text: str, fields: "Schema", rows: "Traces | None") -> "CheckedOracle":
    """Build the oracle behind its checks."""
    from bsdgen.oracle.checked import CheckedOracle
    from bsdgen.oracle.resolve import resolve_oracle

    if not text:
        missing = "there are no traces" if rows is None else "the traces name no oracle"
        remedy = (
            "give TRACES that name one, or --oracle"
            if rows is None
            else "learn from the rows alone with --alone, or give one with --oracle"
        )
        raise UsageError(f"{missing}, so nobody to ask; {remedy} (simulator:rv32i, or module:function)")
    return CheckedOracle(resolve_oracle(text, fields), output_names=fields.output_names())


def _hold_to(asked: "CheckedOracle", rows: "Traces | None", allow: bool, out: Output) -> int:
    """How many recorded rows differ from what the oracle says; any is an error unless that is allowed."""
    if rows is None:
        return 0
    if rows.n_contradictions:
        what = f"{rows.n_contradictions:,} recorded rows contradict others with the same inputs"
        if not allow:
            raise InputError(
                f"{what}: they are not of one function of the inputs; record them again, or learn what the "
                "oracle says with --allow-differing"
            )
        out.note(f"warning: {what}")
    if not allow:
        asked.check_recorded(rows.inputs, rows.outputs, rows.care)
        return 0
    wrong = asked.check_rows(rows.inputs, rows.outputs, rows.care)
    if wrong:
        out.note(
            f"warning: {wrong:,} of {rows.n_rows:,} recorded rows differ from what {asked.name} says; what "
            "the oracle says is learned"
        )
    return wrong


def _resumes(checkpoint: Path, wanted: bool, out: Output) -> bool:
    """Whether a checkpoint is taken up; from here on an interruption tells how to resume."""
    from bsdgen.learn import has_checkpoint

    there = has_checkpoint(checkpoint)
    out.resumable = lambda: has_checkpoint(checkpoint)
    if wanted and not there:
        if (checkpoint.parent / "model.json").is_file():
            raise InputError(
                f"{checkpoint.parent}: there is nothing to resume, its model is whole; leave --resume out to "
                "learn it anew"
            )
        out.note(f"{checkpoint}: no checkpoint yet; learning from the beginning")
    if there and not wanted:
        out.note(f"{checkpoint}: of a run that was stopped, now dropped; --resume would have gone on with it")
    return wanted and there


def _tidy(checkpoint: Path, error: OracleError) -> None:
    """Drop a checkpoint that is of no use: without answers, or with answers that cannot be relied on."""
    from bsdgen.learn import has_checkpoint, remove_checkpoint

    if isinstance(error, OracleContradiction) or not has_checkpoint(checkpoint, with_answers=True):
        remove_checkpoint(checkpoint)
        if checkpoint.parent.is_dir() and not any(checkpoint.parent.glob("*")):
            checkpoint.parent.rmdir()


def _name(text: str) -> str:
    """Folder name of an oracle: what stands after the last colon or dot."""
    return text.replace(":", ".").rsplit(".", 1)[-1]


def _provenance(rows: "Traces | None") -> dict[str, Any]:
    if rows is None:
        return {"rows": 0, "contradictions": 0, "files": []}
    return {"rows": rows.n_rows, "contradictions": rows.n_contradictions, "files": rows.provenance}


def _tools() -> dict[str, str]:
    from bsdgen.artifacts import tool_versions

    return tool_versions("numpy", "numba", "pyarrow")


def _report(out: Output, model: "Model", target: Path, said: str = "") -> None:
    stats = model.info["learn"]
    facts = {
        "model": str(target),
        "bsd": {"inputs": model.bsd.n_inputs, "outputs": model.bsd.n_outputs, "nodes": model.bsd.n_nodes},
        "learn": stats,
        "traces": {key: model.info["traces"][key] for key in ("rows", "contradictions", "differing")},
    }
    text = (
        f"{target}: {model.bsd.n_nodes:,} nodes, {model.bsd.n_inputs} inputs, {model.bsd.n_outputs} outputs, "
        f"{stats['wall_s']:.1f} s, {stats['oracle_queries']:,} queries"
    )
    if said:
        facts["evidence"] = {k: v for k, v in model.info["evidence"].items() if k != "unsupported"}
        facts["evidence"]["unsupported"] = len(model.info["evidence"]["unsupported"])
        text += f"\n{said}"
    elif not stats["finished"]:
        text += f"\n{_unfinished(model)}"
    out.result(facts, text)


def _unfinished(model: "Model") -> str:
    """What an unfinished model is worth, in one line."""
    stats, n_outputs = model.info["learn"], model.bsd.n_outputs
    n, wrong = stats["n_checked"], stats["wrong_by_output"] or [0] * n_outputs
    share = 1.0 - stats["n_wrong"] / n if n else 0.0
    right = []
    first = 0
    for field in model.schema.outputs:
        bits = [bit for bit in range(field.width) if not wrong[first + bit]]
        first += field.width
        if bits:
            right.append(field.name if len(bits) == field.width else f"{field.name}[{_ranges(bits)}]")
    return (
        f"unfinished: all outputs are right on {share:.2%} of {n:,} fresh rows; {wrong.count(0)} of "
        f"{n_outputs} output bits on all of them{': ' if right else ''}{', '.join(right)}"
    )


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers, runs of them as first-last.

    >>> _ranges([0, 1, 2, 5])
    '0-2,5'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
