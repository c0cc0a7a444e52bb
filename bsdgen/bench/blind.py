"""Plain and blind: the same function learned as it is and in disguise, by the same learner, in one run.

A learner that knows or guesses fields, orders or polarities does worse in disguise; one that sees bits alone
does the same work in another order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

import msgspec
import numpy as np

from bsdgen.bench.bars import Bar
from bsdgen.bench.disguise import Disguise, DisguisedOracle, Recipe, disguised, undisguise
from bsdgen.bench.trial import Plan, Problem, Trial, run_trial
from bsdgen.bits import n_words
from bsdgen.learn import LearnConfig
from bsdgen.oracle.protocol import Oracle
from bsdgen.worker import Worker

MOST_SIZE = 1.10  # blind over plain
MOST_TIME = 2.0
_COST_ROWS = 1 << 19


class BlindRow(msgspec.Struct, frozen=True):
    """One run.

    Attributes
    ----------
    blind : whether the function was disguised.
    seed : of the disguise if it was, else of the learner.
    trial : what came of it; the diagram is measured and proved with the disguise taken off.
    wrapper_cpu_s : of the trial's CPU seconds, what moving bits in the wrapper cost (queries times the cost
        of a row, timed apart).
    """

    blind: bool
    seed: int
    trial: Trial
    wrapper_cpu_s: float = 0.0

    @property
    def own_cpu_s(self) -> float:
        """CPU seconds of the learner and the plain oracle."""
        return self.trial.cpu_s - self.wrapper_cpu_s


class BlindResult(msgspec.Struct, frozen=True):
    """All runs: of what, and each."""

    name: str
    rows: tuple[BlindRow, ...]

    def ratio(self, measure: Callable[[BlindRow], float | None]) -> float | None:
        """Median blind over median plain; None where a run was not learned or has no figure."""
        sides = [
            [measure(row) if row.trial.learned else None for row in self.rows if row.blind == blind]
            for blind in (True, False)
        ]
        figures = [[value for value in side if value is not None] for side in sides]
        if not all(figures) or [len(side) for side in sides] != [len(side) for side in figures]:
            return None
        below = median(figures[1])
        return median(figures[0]) / below if below else None

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars of a blind learner."""
        exact = sum(row.trial.learned and row.trial.proved is True for row in self.rows)
        bars = [Bar("proved exact", "all", f"{exact} of {len(self.rows)}", exact == len(self.rows))]
        if all(row.blind for row in self.rows):
            return tuple(bars)  # nothing to compare with
        figures: list[tuple[str, Callable[[BlindRow], float | None], float]] = [
            ("nodes, blind : plain", lambda row: row.trial.nodes, MOST_SIZE),
            ("ANDs, optimised", lambda row: row.trial.ands_optimised, MOST_SIZE),
            ("CPU time less the disguise's own", lambda row: row.own_cpu_s, MOST_TIME),
            ("wall time, all of it", lambda row: row.trial.wall_s, MOST_TIME),
        ]
        for text, measure, most in figures:
            found = self.ratio(measure)
            reached = "–" if found is None else f"{found:.3f}"
            bars.append(Bar(text, f"≤ {most:.2f}", reached, found is not None and found <= most))
        return tuple(bars)


def blind_problem(plain: Problem, n_inputs: int, n_outputs: int, recipe: Recipe) -> Problem:
    """A problem in disguise; its diagram is judged with the disguise taken off."""
    disguise = Disguise.draw(n_inputs, n_outputs, recipe)
    return replace(
        plain,
        name=f"{plain.name}, disguised",
        oracle=partial(disguised, plain.oracle, recipe),
        rows=None if plain.rows is None else disguise.rows(plain.rows),
        restore=partial(undisguise, n_inputs, n_outputs, recipe),
        plain=plain.oracle,
    )


def wrapper_cost_s(make: Callable[[], Oracle], recipe: Recipe) -> float:
    """CPU seconds a row that the disguise costs: best of three, wrapped less plain."""
    inner = make()
    wrapped = DisguisedOracle(inner, recipe)
    rows = np.random.default_rng(0).integers(
        0, 1 << 63, (_COST_ROWS, n_words(inner.n_inputs)), np.uint64, endpoint=False
    )
    if inner.n_inputs % 64:
        rows[:, -1] &= np.uint64((1 << inner.n_inputs % 64) - 1)

    def best(oracle: Oracle) -> float:
        times = []
        for _ in range(4):  # the first one loads
            begun = time.process_time()
            oracle.query(rows)
            times.append(time.process_time() - begun)
        return min(times[1:]) / _COST_ROWS

    return max(0.0, best(wrapped) - best(inner))


def run_blind(
    problem: Problem,
    *,
    config: LearnConfig,
    recipes: Sequence[Recipe] = (Recipe(),),
    plain_seeds: Sequence[int] = (0,),
    optimise_rounds: int = 2,
    on_row: Callable[[int, BlindRow], None] | None = None,
) -> BlindResult:
    """Learn plain with several seeds of the learner, and blind with several disguises.

    Parameters
    ----------
    problem : the plain one.
    config : of the learner, in all runs; plain runs replace its seed.
    recipes : of the disguises.
    plain_seeds : of the learner in plain runs.
    optimise_rounds : rounds of (dch; compress2rs) after which ANDs are counted.
    on_row : told (runs done, run) after each.
    """
    inner = problem.oracle()
    rows: list[BlindRow] = []

    def tell(row: BlindRow) -> None:
        rows.append(row)
        if on_row is not None:
            on_row(len(rows), row)

    with Worker() as worker:
        for seed in plain_seeds:
            plan = Plan(replace(config, seed=seed), optimise_rounds)
            tell(BlindRow(False, seed, run_trial(worker, problem, plan, fresh=True)))
        for recipe in recipes:
            shown = blind_problem(problem, inner.n_inputs, inner.n_outputs, recipe)
            trial = run_trial(worker, shown, Plan(config, optimise_rounds), fresh=True)
            cost = worker.call(wrapper_cost_s, problem.oracle, recipe) * (trial.queries or 0)
            tell(BlindRow(True, recipe.seed, trial, cost))
    return BlindResult(problem.name, tuple(rows))
