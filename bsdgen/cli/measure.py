"""``bsdgen measure``: a model against its oracle on fresh vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import Jobs, OracleText, Seed, use_jobs
from bsdgen.errors import BsdgenError, CheckFailed, UsageError

if TYPE_CHECKING:
    from bsdgen.measure import Measurement
    from bsdgen.model import Model


def measure(
    out: Output,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL",
            help="Folder of a learned model, e.g. rtl_out/rv32i; with --merge, results of earlier runs.",
        ),
    ],
    *,
    vectors: Annotated[
        int,
        typer.Option(
            "--vectors", "-n", metavar="N", min=1, help="How many fresh input vectors to compare on."
        ),
    ] = 10_000_000,
    seed: Seed = 0,
    first: Annotated[
        int,
        typer.Option(
            "--first",
            metavar="N",
            min=0,
            help="Begin at this vector of the seed's stream (for parts of one run on several machines).",
        ),
    ] = 0,
    oracle: OracleText = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where the result goes (default: MODEL/measure.json)."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a run that was stopped, or add vectors to one that was finished."
        ),
    ] = False,
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Put results of several runs on one model together, into --out."),
    ] = False,
    jobs: Jobs = None,
) -> None:
    """Compare a model with its oracle on fresh vectors, drawn from other distributions than in learning.

    Writes measure.json into the model's folder. Ends with exit code 1 when a vector differs in a cared bit,
    or when Verilog was emitted and is not proved equal to the model.
    """
    if merge:
        _merge(out, inputs, target)
        return
    if len(inputs) != 1:
        raise UsageError(f"one model is measured at a time, not {len(inputs)}; --merge takes several results")
    from bsdgen.artifacts import locked, sha256, sole_writer, tool_versions, write_json
    from bsdgen.measure import measure as compare
    from bsdgen.model import Model
    from bsdgen.oracle.resolve import resolve_oracle, source_digest

    use_jobs(jobs)
    (model,) = inputs
    out.held.enter_context(locked(model, shared=True))
    loaded = Model.load(model)
    text = oracle if oracle is not None else str(loaded.info.get("oracle", ""))
    if not text:
        raise UsageError(f"{model}: the model names no oracle; give one with --oracle")
    finished = bool(loaded.info.get("learn", {}).get("finished", True))
    if not finished:
        out.note(f"{model}: is not finished, a budget was reached while it was learned")
    answers = resolve_oracle(text, loaded.schema)
    facts: dict[str, Any] = {"oracle": text, "oracle_sha256": source_digest(text)}
    facts |= {"model_sha256": sha256(model / "model.npz"), "finished": finished}
    facts |= {"tools": tool_versions("numpy", "numba")}
    path = target if target is not None else model / "measure.json"
    partial = path.with_name(f"{path.stem}.partial.json")
    out.held.enter_context(sole_writer(path))
    before = _before(out, facts, partial, path) if resume else None
    out.resumable = partial.is_file
    with out.progress("measuring") as progress:
        result = compare(
            loaded,
            answers,
            vectors=vectors,
            seed=seed,
            first=first,
            before=before,
            progress=progress,
            checkpoint=lambda part: write_json(partial, facts | part.as_dict()),
        )
    write_json(path, facts | result.as_dict())  # whatever becomes of the Verilog
    partial.unlink(missing_ok=True)
    wrong_bit = None
    try:
        wrong_bit = _netlist_differs(loaded, model, out)
    except BsdgenError as error:
        if not result.errors:
            raise
        out.note(f"{error}")  # the errors count
    if wrong_bit is not None:
        facts["netlist_equal"] = not wrong_bit
        write_json(path, facts | result.as_dict())
    _tell(out, facts, result, str(model), path)
    if wrong_bit:
        raise CheckFailed(
            f"{model}: the emitted Verilog is not the model: it differs in {wrong_bit}; "
            f"write it again with `bsdgen emit {model}`"
        )


def _before(out: Output, facts: dict[str, Any], partial: Path, path: Path) -> "Measurement | None":
    """What was measured of this model before: what a stopped run left, else the last result."""
    from bsdgen.measure import check_same, read_measurement

    there = next((file for file in (partial, path) if file.exists()), None)
    if there is None:
        out.note(f"there is no {partial.name} or {path.name} to go on with: begins anew")
        return None
    known, result = read_measurement(there)
    check_same(known, there, facts, "measure without --resume")
    out.note(f"goes on after {result.vectors:,} vectors of {there}")
    return result


def _merge(out: Output, files: list[Path], target: Path | None) -> None:
    from bsdgen.artifacts import write_json
    from bsdgen.measure import merge

    if target is None:
        raise UsageError("--merge needs a file for the result; name it with --out")
    facts, result = merge(files)
    write_json(target, facts | result.as_dict())
    _tell(out, facts, result, str(target), target)
    if facts.get("netlist_equal") is False:
        raise CheckFailed(f"{target}: in one of the runs the emitted Verilog was not the model")


def _tell(out: Output, facts: dict[str, Any], result: "Measurement", what: str, path: Path) -> None:
    """Print a result; any error in it fails the command."""
    from bsdgen.measure import measurement_text

    out.result(facts | result.as_dict(), measurement_text(result))
    if result.errors:
        raise CheckFailed(
            f"{what}: {result.errors:,} of {result.vectors:,} vectors differ from {facts['oracle']}; "
            f"the first of each class stands in {path}"
        )


def _netlist_differs(loaded: "Model", folder: Path, out: Output) -> str | None:
    """Prove the emitted Verilog, if there is any, equal to the model that was measured.

    Returns None without Verilog, "" if both engines prove it, otherwise an output bit that differs and where.
    """
    from bsdgen.bits import unpack_fields
    from bsdgen.emit.check import check_netlist
    from bsdgen.emit.parts import model_name

    name = model_name(folder)
    netlist = folder / "verilog" / f"{name}_step.v"
    if not netlist.is_file():
        return None
    with out.progress("proving the emitted Verilog equal to the model"):
        answer = check_netlist(loaded, [netlist], f"{name}_step")
    if answer.equal:
        return ""
    if answer.inputs is None or answer.output is None:
        return "an output"
    inputs = loaded.schema.inputs
    values = unpack_fields(answer.inputs[None], [field.width for field in inputs])[:, 0]
    where = ", ".join(f"{field.name}=0x{int(value):x}" for field, value in zip(inputs, values, strict=True))
    return f"{loaded.schema.output_names()[answer.output]} at {where}"
