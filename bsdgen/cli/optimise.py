"""``bsdgen optimise``: the learned logic with fewer ANDs, fewer levels, or both."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import BudgetReached

if TYPE_CHECKING:
    from bsdgen.circuit.aig import Aig
    from bsdgen.circuit.curve import Curve
    from bsdgen.circuit.search import Found
    from bsdgen.model import Model


class GoalChoice(StrEnum):
    """What is to be least."""

    AREA = "area"
    DELAY = "delay"
    BALANCED = "balanced"


def optimise(
    out: Output,
    model: ModelFolder,
    goal: Annotated[
        GoalChoice,
        typer.Option(
            "--goal",
            metavar="area|delay|balanced",
            help="What is to be least: ANDs, levels, or their product.",
        ),
    ] = GoalChoice.AREA,
    start: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Begin with this AIGER file, such as what another search found; may be given more than once "
            "(default: the diagram, and circuit.aig if it is there).",
        ),
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            "--patience",
            metavar="N",
            min=1,
            help="Give a walk up after N rounds of all recipes in a row without a better graph.",
        ),
    ] = 3,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            min=0.0,
            help="Keep the best graph so far after this time (0: none).",
        ),
    ] = 0.0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search of this goal that was stopped.")
    ] = False,
) -> None:
    """Search for a smaller or shallower circuit of a learned model, each step proved equal to the diagram.

    Scripts of ABC commands are applied in turn, from the diagram and from circuit.aig (or --from).
    Writes optimised/GOAL.aig, optimised/GOAL.json with all that was tried, the front of ANDs against levels,
    and optimised/curve.svg; what an earlier search of the model found stays if it is better. Ends with exit
    code 5 if --time-limit ended it; --resume goes on and ends with the same bytes as a search that was never
    stopped.
    """
    from bsdgen.artifacts import locked, tool_versions
    from bsdgen.circuit.curve import better, curve_of, write_found
    from bsdgen.circuit.search import search
    from bsdgen.circuit.steps import StepStore
    from bsdgen.circuit.tools import abc_binary
    from bsdgen.model import Model

    out.held.enter_context(locked(model))
    loaded = Model.load(model)
    abc_binary()
    folder = model / "optimised"
    steps = folder / f"{goal.value}.steps"
    reference, given = _given(loaded, model, start or [])
    before = {choice: _read(folder, choice, loaded.digest) for choice in GoalChoice}  # broken ones end it now
    if not resume:
        shutil.rmtree(steps, ignore_errors=True)
    out.resumable = steps.is_dir
    with out.progress(f"searching ({goal.value})") as progress:
        found = search(
            reference,
            given,
            goal.value,
            store=StepStore(steps),
            patience=patience,
            time_limit_s=time_limit,
            progress=_teller(progress),
        )
    curve = curve_of(found, goal.value, loaded.digest, patience, tool_versions("pyosys", "python-sat"))
    names = loaded.schema.input_names(), loaded.schema.output_names()
    old = before[goal]
    if old is not None and better(old, curve):
        out.note(
            f"{folder / goal.value}.aig stays: an earlier search came to {old.best_point.ands:,} ANDs in "
            f"{old.best_point.depth} levels, this one to {curve.best_point.ands:,} in "
            f"{curve.best_point.depth}; remove {folder} to begin from nothing"
        )
        curve, files = old, [folder / f"{goal.value}.aig", folder / f"{goal.value}.json"]
    else:
        files = write_found(folder, found, curve, *names)
    files.append(_draw(folder, [other for choice, other in before.items() if choice != goal] + [curve]))
    out.result(_facts(curve, files), _text(curve, files))
    if not found.finished:
        raise BudgetReached(
            f"the search was ended after {time_limit:g} s; {files[0]} is the best so far. "
            f"Go on with: {out.again(resume=True)}"
        )
    shutil.rmtree(steps, ignore_errors=True)


def _given(model: "Model", folder: Path, start: list[Path]) -> "tuple[Aig, dict[str, Aig]]":
    """The diagram's graph, and all graphs to start from."""
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import read_aiger
    from bsdgen.circuit.netlist import order_by_schema

    reference = aig_from_bsd(model.bsd)
    if start:
        return reference, {str(path): order_by_schema(read_aiger(path), model.schema) for path in start}
    given = {"diagram": reference}
    if (folder / "circuit.aig").is_file():
        given["circuit.aig"] = order_by_schema(read_aiger(folder / "circuit.aig"), model.schema)
    return reference, given


def _teller(progress: Progress) -> Any:
    def tell(found: "Found") -> None:
        last = found.points[-1]
        best = found.points[found.best] if found.best >= 0 else last
        progress.stage(
            "searching",
            f"best {best.ands:,} ANDs in {best.depth} levels; last {last.ands:,} in {last.depth} by "
            f"{last.recipe or last.note}",
        )
        progress(len(found.points), 0)

    return tell


def _read(folder: Path, goal: GoalChoice, digest: str) -> "Curve | None":
    """What an earlier search of this model found for a goal."""
    from bsdgen.circuit.curve import read_curve

    path = folder / f"{goal.value}.json"
    curve = read_curve(path) if path.is_file() else None
    there = curve is not None and curve.model == digest and path.with_suffix(".aig").is_file()
    return curve if there else None


def _draw(folder: Path, curves: "list[Curve | None]") -> Path:
    """Draw what all searches of this model found."""
    from bsdgen.artifacts import write_text
    from bsdgen.report.hardware import curve_picture
    from bsdgen.report.style import standalone

    known = [curve for curve in curves if curve is not None]
    write_text(folder / "curve.svg", standalone(curve_picture(known)))
    return folder / "curve.svg"


def _facts(curve: "Curve", files: list[Path]) -> dict[str, Any]:
    front = [{"ands": ands, "depth": depth} for depth, ands in curve.sizes(curve.front)]
    best = curve.best_point
    return {
        "goal": curve.goal,
        "finished": curve.finished,
        "tried": len(curve.points),
        "best": {"ands": best.ands, "depth": best.depth, "proved": best.proved},
        "front": front,
        "files": [str(file) for file in files],
    }


def _text(curve: "Curve", files: list[Path]) -> str:
    from bsdgen.cli.console import table

    rows = [
        [
            f"{point.ands:,}",
            str(point.depth),
            ", ".join(point.engines) if point.proved else "no",
            point.recipe or point.note,
            "best" if at == curve.best else "",
        ]
        for at in dict.fromkeys([*curve.front, curve.best])
        for point in [curve.points[at]]
    ]
    shown = table(["ANDs", "levels", "proved by", "last recipe", ""], rows, left=0)
    thrown = sum(point.proved is False for point in curve.points)
    lines = [shown, f"{len(curve.points):,} graphs tried", *map(str, files)]
    if thrown:
        lines.insert(
            1, f"{thrown} graphs were another function and were thrown away: a fault in ABC, report it"
        )
    return "\n".join(lines)
