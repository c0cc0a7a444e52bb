"""``bsdgen coverage``: what traces, vectors and programs covered."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from bsdgen.cli.console import Output
from bsdgen.errors import InputError, UsageError


@dataclass
class _Given:
    """Paths by what they are."""

    models: list[Path] = field(default_factory=list)
    traces: list[Path] = field(default_factory=list)
    programs: list[Path] = field(default_factory=list)
    measurements: list[Path] = field(default_factory=list)


def coverage(
    out: Output,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="A model's folder (for the vectors that it was measured on, and its traces), traces, "
            "programs, or results of bsdgen measure; folders of them too.",
        ),
    ],
    target: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where the result goes (default: MODEL/coverage.json)."
        ),
    ] = None,
    witnesses: Annotated[
        bool, typer.Option("--witnesses", help="Show every hole with a row that would fill it.")
    ] = False,
    max_steps: Annotated[
        int,
        typer.Option("--max-steps", metavar="N", min=1, help="Stop a program that has not ended by then."),
    ] = 5_000_000,
) -> None:
    """Show which cells of instruction, operand class and hazard were met, and name those that were not.

    Given a model, writes coverage.json into its folder, for the report.
    """
    from bsdgen.artifacts import locked, sha256, write_json
    from bsdgen.coverage.result import Covered, coverage_text, document
    from bsdgen.coverage.sources import of_measurement, of_programs, of_traces

    given = _sorted(paths)
    if len(given.models) > 1:
        raise UsageError(f"one model at a time, not {', '.join(map(str, given.models))}")
    facts: dict[str, Any] = {}
    for model in given.models:
        out.held.enter_context(locked(model, shared=True))
        facts["model_sha256"] = sha256(model / "model.npz")
        _of_model(out, model, given)
        target = target if target is not None else model / "coverage.json"
    sources: list[Covered] = []
    with out.progress("counting") as progress:
        if given.traces:
            progress.stage("reading traces")
            sources.append(of_traces(given.traces, progress))
        sources += [of_measurement(file) for file in given.measurements]
        if given.programs:
            progress.stage("running programs")
            sources.append(of_programs(given.programs, max_steps, progress))
        progress.stage("looking for holes")
        if not sources:
            raise InputError(
                f"{', '.join(map(str, paths))}: nothing to count (no measurement, no traces that are still "
                "there); measure the model with `bsdgen measure`, or name traces and programs too"
            )
        facts |= document(sources)
    if target is not None:
        write_json(target, facts)
    out.result(facts, coverage_text(sources, witnesses=witnesses))


def _sorted(paths: list[Path]) -> _Given:
    """Tell paths apart by what they hold."""
    from bsdgen.traces.store import is_traces, traces_in

    given = _Given()
    for path in paths:
        if (path / "model.json").is_file():
            given.models.append(path)
        elif path.is_dir():
            traces = traces_in(path)
            programs = sorted(path.glob("*.elf"))
            if not traces and not programs:
                raise InputError(
                    f"{path}: holds no model, no traces (*.parquet, *.pla, *.csv) and no *.elf file; give "
                    "one that does"
                )
            given.traces += traces
            given.programs += programs
        elif not path.is_file():
            raise InputError(f"{path}: does not exist; give a model, traces, programs or a result")
        elif is_traces(path):
            given.traces.append(path)
        elif path.suffix == ".json":
            given.measurements.append(path)
        else:
            given.programs.append(path)
    return given


def _of_model(out: Output, model: Path, given: _Given) -> None:
    """Add what a model's folder knows: its measurement, and its traces unless others were given."""
    from bsdgen.artifacts import read_object, sha256

    known = read_object(model / "model.json")
    measured = model / "measure.json"
    if measured.exists():
        if read_object(measured).get("model_sha256") == sha256(model / "model.npz"):
            given.measurements.insert(0, measured)
        else:
            out.note(f"{measured}: is of another model, left out; measure this one with `bsdgen measure`")
    else:
        out.note(f"{model}: is not measured yet, so no vectors are counted")
    if not given.traces:
        files = [Path(str(item.get("path", ""))) for item in known.get("traces", {}).get("files", [])]
        given.traces = [file for file in files if file.is_file()]
        if len(given.traces) < len(files):
            out.note(f"{len(files) - len(given.traces)} of the {len(files)} traces of {model} are gone")
