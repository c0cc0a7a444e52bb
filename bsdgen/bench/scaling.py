"""How cost grows with width: an adder, a comparison, a shift and a small ALU at 8 to 128 bits."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import log2

import msgspec
import numpy as np

from bsdgen.bench.bars import Bar
from bsdgen.bench.trial import Plan, Problem, Trial, run_trial
from bsdgen.bench.wide import KINDS, TEXTS, WIDTHS, Kind, WideOracle, prove_wide, wide_schema
from bsdgen.learn import LearnConfig
from bsdgen.worker import Worker

_SLACK = 1.1  # of a doubling: nodes beside n, or n log n, are allowed
_FIT_FROM = 32  # bits: below, fixed costs decide the time
_MOST_TIME_EXPONENT = 2.0


class ScalingRow(msgspec.Struct, frozen=True):
    """One function at one width."""

    kind: Kind
    width: int
    trial: Trial


class ScalingResult(msgspec.Struct, frozen=True):
    """All functions at all widths of a run."""

    seed: int
    rows: tuple[ScalingRow, ...]

    def of(self, kind: Kind) -> list[ScalingRow]:
        """One function's rows by width."""
        return sorted((row for row in self.rows if row.kind == kind), key=lambda row: row.width)

    def kinds(self) -> list[Kind]:
        """Functions of the run."""
        return [kind for kind in KINDS if self.of(kind)]

    def exponent(self, kind: Kind, measure: Callable[[Trial], float | None]) -> float | None:
        """Slope of log(figure) over log(width) from `_FIT_FROM` bits on, by least squares; None: too few."""
        points = [
            (row.width, value)
            for row in self.of(kind)
            if row.width >= _FIT_FROM and (value := measure(row.trial)) is not None and value > 0
        ]
        if len(points) < 2:
            return None
        widths, values = np.log(np.array(points, np.float64)).T
        return float(np.polyfit(widths, values, 1)[0])

    def doubling(self, kind: Kind) -> float | None:
        """Largest growth of nodes at a doubling of the width, as a share of the growth that is allowed."""
        rows = self.of(kind)
        worst = None
        for small, large in pairwise(rows):
            if not small.trial.nodes or not large.trial.nodes:
                return None
            share = (
                large.trial.nodes
                / small.trial.nodes
                / (allowed(kind, large.width) / allowed(kind, small.width))
            )
            worst = share if worst is None else max(worst, share)
        return worst

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Exactness, and growth of nodes and time."""
        exact = sum(row.trial.learned and row.trial.proved is True for row in self.rows)
        bars = [Bar("proved exact", "all", f"{exact} of {len(self.rows)}", exact == len(self.rows))]
        for kind in self.kinds():
            share, exponent = self.doubling(kind), self.exponent(kind, lambda trial: trial.cpu_s)
            law = "n log n" if kind in ("shift", "alu") else "n"
            bars.append(
                Bar(
                    f"{kind}: nodes grow as {law}",
                    f"≤ {_SLACK:.1f} × that at every doubling",
                    "–" if share is None else f"{share:.2f} ×",
                    share is not None and share <= _SLACK,
                )
            )
            bars.append(
                Bar(
                    f"{kind}: CPU time at most quadratic",
                    f"exponent ≤ {_MOST_TIME_EXPONENT:.0f}",
                    "–" if exponent is None else f"{exponent:.2f}",
                    exponent is not None and exponent <= _MOST_TIME_EXPONENT,
                )
            )
        return tuple(bars)


def allowed(kind: Kind, width: int) -> float:
    """What nodes may grow as: n, and n log n for what holds a shift."""
    return width * log2(width) if kind in ("shift", "alu") else width


def wide_problem(kind: Kind, width: int) -> Problem:
    """One function at one width: no recorded rows."""
    return Problem(
        name=f"{TEXTS[kind]} at {width} bits",
        schema=wide_schema(kind, width),
        oracle=partial(WideOracle, kind, width),
        prove=partial(prove_wide, kind, width),
    )


def run_scaling(
    kinds: Iterable[Kind] = KINDS,
    widths: Sequence[int] = WIDTHS,
    *,
    config: LearnConfig | None = None,
    on_row: Callable[[int, ScalingRow], None] | None = None,
) -> ScalingResult:
    """Learn and prove every function at every width, one after another in one process.

    Parameters
    ----------
    kinds, widths : which.
    config : of the learner; its time limit is that of each.
    on_row : told (rows done, row) after each.
    """
    used = config if config is not None else LearnConfig(time_limit_s=120.0)
    rows: list[ScalingRow] = []
    with Worker() as worker:
        for kind in kinds:
            for width in widths:
                trial = run_trial(worker, wide_problem(kind, width), Plan(used))
                rows.append(ScalingRow(kind, width, trial))
                if on_row is not None:
                    on_row(len(rows), rows[-1])
    return ScalingResult(used.seed, tuple(rows))
