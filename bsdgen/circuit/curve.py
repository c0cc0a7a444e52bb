"""What searches found, on disk: ``optimised/<goal>.aig``, ``optimised/<goal>.json``, ``optimised/front/``."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bsdgen.artifacts import read_json, write_json
from bsdgen.circuit.aiger import write_aiger
from bsdgen.circuit.equivalence import comment_of
from bsdgen.circuit.recipes import KICKS, RECIPES, Goal
from bsdgen.circuit.search import COSTS, Found, Point
from bsdgen.errors import InputError

CURVE_VERSION = 1


class Curve(msgspec.Struct, frozen=True):
    """The document of ``optimised/<goal>.json``.

    Attributes
    ----------
    version, model : of the document; digest of the model.
    goal, patience, finished : of the search; whether it came to its end.
    best : number of the point in ``<goal>.aig``.
    front : numbers of the points that none beats in ANDs and levels both; their graphs are in ``front/``.
    points : all that was tried.
    recipes : commands of each recipe, kicks included.
    tools : versions.
    """

    version: int
    model: str
    goal: Goal
    patience: int
    finished: bool
    best: int
    front: tuple[int, ...]
    points: tuple[Point, ...]
    recipes: dict[str, str]
    tools: dict[str, str]

    @property
    def best_point(self) -> Point:
        """The point in ``<goal>.aig``."""
        return self.points[self.best]

    def sizes(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """(depth, ANDs) of points that have a graph."""
        return [
            (self.points[at].depth, self.points[at].ands) for at in numbers if not _failed(self.points[at])
        ]


def _failed(point: Point) -> bool:
    return bool(point.recipe and point.note and not point.ands)


def curve_of(found: Found, goal: Goal, model: str, patience: int, tools: dict[str, str]) -> Curve:
    """A search as a document."""
    return Curve(
        version=CURVE_VERSION,
        model=model,
        goal=goal,
        patience=patience,
        finished=found.finished,
        best=found.best,
        front=tuple(found.front),
        points=tuple(found.points),
        recipes={recipe.name: "; ".join(recipe.commands) for recipe in (*RECIPES[goal], *KICKS[goal])},
        tools=tools,
    )


def better(a: Curve, b: Curve) -> bool:
    """Whether the best point of one search costs less than that of another with the same goal."""
    costs = [COSTS[curve.goal](curve.best_point.ands, curve.best_point.depth) for curve in (a, b)]
    return costs[0] < costs[1]


def read_curve(path: Path) -> Curve:
    """Read ``<goal>.json``.

    Raises
    ------
    InputError
        It is damaged or of another version.
    """
    try:
        curve = msgspec.convert(read_json(path), type=Curve)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: is no search of this version ({error}); remove it and search again"
        ) from error
    if curve.version != CURVE_VERSION:
        raise InputError(
            f"{path}: is version {curve.version}, expected {CURVE_VERSION}; remove it and search again"
        )
    return curve


def write_found(
    folder: Path, found: Found, curve: Curve, inputs: Sequence[str], outputs: Sequence[str]
) -> list[Path]:
    """Write the best graph, those of the front, and the document last.

    Parameters
    ----------
    folder : ``optimised/`` of a model.
    inputs, outputs : names of the bits.
    """
    files = [folder / f"{curve.goal}.aig"]
    comment = comment_of(curve.model)
    write_aiger(files[0], found.graphs[found.best], inputs, outputs, comment)
    kept = set()
    for number in found.front:
        point = found.points[number]
        kept.add(f"{curve.goal}_{point.ands}_{point.depth}.aig")
        write_aiger(
            folder / "front" / f"{curve.goal}_{point.ands}_{point.depth}.aig",
            found.graphs[number],
            inputs,
            outputs,
            comment,
        )
    for old in (folder / "front").glob(f"{curve.goal}_*.aig"):
        if old.name not in kept:
            old.unlink(missing_ok=True)
    files.append(folder / f"{curve.goal}.json")
    write_json(files[1], curve)
    return files
