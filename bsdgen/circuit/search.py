"""A search over recipes for fewer ANDs, fewer levels, or both; every graph that is kept is proved equal.

A walk: the recipes of the goal are applied to the current graph in turn, and a result becomes the current
graph if it costs no more. When a whole round of recipes brought nothing, a kick, a recipe that changes the
structure at any cost, is applied to the best graph, and the walk goes on from there; after some kicks in a
row without a new best it is over. One walk from every given graph. Nothing in it is random, so that a search
ends with the same graph wherever it runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import ENGINES, Engine, prove_equivalent
from bsdgen.circuit.recipes import KICKS, RECIPES, Goal, Recipe
from bsdgen.circuit.steps import StepStore, graph_digest
from bsdgen.errors import CheckFailed, InputError, ToolError, ToolTimeout

_PROOF_LIMIT_S = 600.0  # of each engine
COSTS: dict[Goal, Callable[[int, int], tuple[int, int]]] = {
    "area": lambda ands, depth: (ands, depth),
    "delay": lambda ands, depth: (depth, ands),
    "balanced": lambda ands, depth: (ands * depth, ands),
}


class Point(msgspec.Struct, frozen=True):
    """A graph that was tried.

    Attributes
    ----------
    recipe : what made it; "" for a graph that the search was given.
    parent : number of the point it was made of; of a given graph, -1.
    ands, depth : its size; 0 if ABC failed.
    seconds : of ABC.
    proved : equal to the model's diagram by all engines; None: not asked, since the graph was not kept.
    engines : seconds of each engine.
    note : name of a given graph, or why there is none.
    """

    recipe: str
    parent: int
    ands: int
    depth: int
    seconds: float
    proved: bool | None = None
    engines: dict[str, float] = {}
    note: str = ""


@dataclass(eq=False)
class Found:
    """What a search found; it grows while the search goes on.

    Attributes
    ----------
    points : all that was tried, in order.
    best : number of the best point, -1 before there is one.
    front : numbers of the proved points that no other one beats in ANDs and levels both, by depth.
    graphs : of the points of the front, and of the best one.
    finished : whether the search came to its end.
    """

    points: list[Point] = field(default_factory=list)
    best: int = -1
    front: list[int] = field(default_factory=list)
    graphs: dict[int, Aig] = field(default_factory=dict)
    finished: bool = False

    def covers(self, ands: int, depth: int) -> bool:
        """Whether the front has a point that is as good in both."""
        return any(self.points[at].ands <= ands and self.points[at].depth <= depth for at in self.front)

    def keep(self, number: int, aig: Aig) -> None:
        """Put a proved point on the front, which none there must cover."""
        new = self.points[number]
        beaten = [
            at for at in self.front if self.points[at].ands >= new.ands and self.points[at].depth >= new.depth
        ]
        self.front = sorted({*self.front, number} - {*beaten}, key=lambda at: self.points[at].depth)
        self.graphs[number] = aig
        for at in beaten:
            if at != self.best:
                self.graphs.pop(at, None)


class _OutOfTime(Exception):
    pass


def search(
    reference: Aig,
    given: Mapping[str, Aig],
    goal: Goal,
    *,
    store: StepStore | None = None,
    engines: tuple[Engine, ...] = ENGINES,
    patience: int = 3,
    time_limit_s: float = 0.0,
    progress: Callable[[Found], None] | None = None,
) -> Found:
    """Search for a graph of least cost.

    Parameters
    ----------
    reference : what every graph must be equal to.
    given : graphs to start from, by name; each must be equal to `reference`.
    goal : ``area`` counts ANDs, then levels; ``delay`` levels, then ANDs; ``balanced`` their product.
    store : remembers steps, so that a search that was stopped goes on.
    engines : who proves, see `prove_equivalent`.
    patience : kicks in a row without a new best of the walk, after which it ends.
    time_limit_s : wall time, 0 for none; when it is used up the best so far is returned, not `finished`.
        A proof under way ends with it.
    progress : told after every step.

    Raises
    ------
    CheckFailed
        A given graph is another function, or the engines contradict each other.
    ToolTimeout
        The first given graph was not proved equal in time.
    ToolError
        ABC or an engine is missing.
    """
    walk = _Walk(reference, goal, store or StepStore(None), engines, time_limit_s, progress)
    try:
        begun = [walk.give(name, aig) for name, aig in given.items()]
        for start in begun:
            walk.run(*start, patience)
        walk.found.finished = True
    except _OutOfTime:
        pass
    return walk.found


class _Walk:
    def __init__(
        self,
        reference: Aig,
        goal: Goal,
        store: StepStore,
        engines: tuple[Engine, ...],
        time_limit_s: float,
        progress: Callable[[Found], None] | None,
    ) -> None:
        self.found = Found()
        self._reference = reference
        self._cost = COSTS[goal]
        self._recipes = RECIPES[goal]
        self._kicks = KICKS[goal]
        self._store = store
        self._engines = engines
        self._end = monotonic() + time_limit_s if time_limit_s else float("inf")
        self._progress = progress
        self._proofs: dict[str, tuple[bool, dict[str, float]]] = {}

    def give(self, name: str, aig: Aig) -> tuple[int, Aig]:
        """Take a graph to start from."""
        try:
            proved, seconds = self._prove(aig)
        except ToolTimeout as error:
            if self.found.points and monotonic() >= self._end:
                raise _OutOfTime from error
            raise
        if not proved:
            raise CheckFailed(
                f"{name} is not the model's function; write it anew with `bsdgen emit`, or begin with another"
            )
        number = self._note(Point("", -1, aig.n_ands, aig.depth, 0.0, True, seconds, name))
        self._consider(number, aig)
        return number, aig

    def run(self, number: int, aig: Aig, patience: int) -> None:
        """Walk from a graph until `patience` kicks in a row brought no new best of this walk."""
        best = self._settle(number, aig)
        vain = kicks = 0
        while vain < patience:
            kick = self._kicks[kicks % len(self._kicks)]
            kicks += 1
            vain += 1
            kicked = self._step(*best, kick, None)
            if kicked is None:
                continue
            settled = self._settle(*kicked)
            if self._cost_of(settled[1]) < self._cost_of(best[1]):
                best, vain = settled, 0

    def _settle(self, number: int, aig: Aig) -> tuple[int, Aig]:
        """Apply recipes in turn until a round of them brings nothing."""
        at = vain = 0
        while vain < len(self._recipes):
            cost = self._cost_of(aig)
            made = self._step(number, aig, self._recipes[at % len(self._recipes)], cost)
            at += 1
            vain += 1
            if made is not None:
                number, aig = made
                vain = 0 if self._cost_of(aig) < cost else vain
        return number, aig

    def _cost_of(self, aig: Aig) -> tuple[int, int]:
        return self._cost(aig.n_ands, aig.depth)

    def _step(
        self, number: int, aig: Aig, recipe: Recipe, limit: tuple[int, int] | None
    ) -> tuple[int, Aig] | None:
        """Point and graph of what a recipe makes, proved; None if it is nothing new or costs over `limit`."""
        left = self._end - monotonic()
        if left <= 0:
            raise _OutOfTime
        step = self._store.run(aig, recipe, timeout_s=left)
        if step.aig is None:
            if monotonic() >= self._end:
                raise _OutOfTime
            self._note(Point(recipe.name, number, 0, 0, step.seconds, note=step.failure))
            return None
        new = self._note(Point(recipe.name, number, step.aig.n_ands, step.aig.depth, step.seconds))
        if graph_digest(step.aig) == graph_digest(aig):
            return None
        within = limit is None or self._cost_of(step.aig) <= limit
        wanted = within or not self.found.covers(step.aig.n_ands, step.aig.depth)
        if not wanted or not self._is_proved(new, step.aig):
            return None
        self._consider(new, step.aig)
        return (new, step.aig) if within else None

    def _consider(self, number: int, aig: Aig) -> None:
        """Put a proved point where it belongs: among the best, on the front."""
        found = self.found
        point = found.points[number]
        before = found.best
        if before < 0 or self._cost(point.ands, point.depth) < self._cost(
            found.points[before].ands, found.points[before].depth
        ):
            found.best = number
        if not found.covers(point.ands, point.depth):
            found.keep(number, aig)
        if found.best == number:
            found.graphs[number] = aig
            if before >= 0 and before not in found.front:
                found.graphs.pop(before, None)

    def _is_proved(self, number: int, aig: Aig) -> bool:
        """Prove a point, and write down what came out."""
        point = self.found.points[number]
        if point.proved is None:
            try:
                proved, seconds = self._prove(aig)
                note = "" if proved else "ABC changed the function; the graph was thrown away"
                point = msgspec.structs.replace(point, proved=proved, engines=seconds, note=note)
            except (ToolError, InputError) as error:
                if monotonic() >= self._end:
                    raise _OutOfTime from error
                note = f"not kept, since not proved: {str(error).splitlines()[0]}"
                point = msgspec.structs.replace(point, note=note)
            self.found.points[number] = point
        return point.proved is True

    def _prove(self, aig: Aig) -> tuple[bool, dict[str, float]]:
        digest = graph_digest(aig)
        if digest not in self._proofs:
            left = max(1.0, min(_PROOF_LIMIT_S, self._end - monotonic()))
            answer = prove_equivalent(self._reference, aig, self._engines, timeout_s=left)
            self._proofs[digest] = answer.equal, {k: round(v, 3) for k, v in answer.engines.items()}
        return self._proofs[digest]

    def _note(self, point: Point) -> int:
        self.found.points.append(point)
        if self._progress:
            self._progress(self.found)
        return len(self.found.points) - 1
