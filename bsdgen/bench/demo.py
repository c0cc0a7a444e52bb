"""The official demo suite: its functions 0 to 18, learned, proved, and set beside its own figures."""

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from bsdgen.bench.bars import Bar
from bsdgen.bench.specification import prove_demo
from bsdgen.bench.trial import Plan, Problem, Trial, run_trial
from bsdgen.bench.words import DEMO, DemoFunction, DemoOracle, demo_schema
from bsdgen.errors import UsageError
from bsdgen.learn import LearnConfig
from bsdgen.worker import Worker

MOST_CPU_S = 6.4  # for all functions together: a hundredth of the official code's
LEAST_SPEED_UP = 30.0  # on every function
MOST_NODES = {15: 2000}  # where the official code's nodes are no bar
_PEER_WIDTH = 32  # bits of a word at which the official code was run


class DemoRow(msgspec.Struct, frozen=True):
    """One function's trial beside its peer's figures.

    Attributes
    ----------
    number, text : of the function.
    trial : ours.
    peer_cpu_s, peer_nodes, peer_accuracy : the official code's, at 32 bits.
    """

    number: int
    text: str
    trial: Trial
    peer_cpu_s: float
    peer_nodes: int
    peer_accuracy: float

    @property
    def exact(self) -> bool:
        """Learned, and proved by both engines."""
        return self.trial.learned and self.trial.proved is True

    @property
    def speed_up(self) -> float:
        """The official code's CPU seconds over ours."""
        return self.peer_cpu_s / max(self.trial.cpu_s, 1e-9)

    @property
    def nodes(self) -> int | None:
        """Nodes as the official code counts them: a variable that stands alone is one too."""
        trial = self.trial
        return None if trial.nodes is None else trial.nodes + (trial.variables or 0)

    @property
    def nodes_bar(self) -> int:
        """Nodes that are allowed."""
        return MOST_NODES.get(self.number, self.peer_nodes)


class DemoResult(msgspec.Struct, frozen=True):
    """All rows of a run.

    Attributes
    ----------
    width, seed : of the run.
    rows : one a function.
    warm_up_s : CPU seconds of compiling and loading kernels, before and apart.
    """

    width: int
    seed: int
    rows: tuple[DemoRow, ...]
    warm_up_s: float

    @property
    def cpu_s(self) -> float:
        """Learning all functions of the run."""
        return sum(row.trial.cpu_s for row in self.rows)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars that these rows decide."""
        rows = self.rows
        inexact = [row.number for row in rows if not row.exact]
        large = [row.number for row in rows if row.nodes is None or row.nodes > row.nodes_bar]
        slow = [row.number for row in rows if row.speed_up < LEAST_SPEED_UP]
        peers = sum(row.peer_cpu_s for row in rows)
        share = MOST_CPU_S * peers / sum(function.peer_cpu_s for function in DEMO)
        slowest = min((row.speed_up for row in rows), default=0.0)
        return (
            Bar("proved exact", "all", _but(inexact, len(rows)), not inexact),
            Bar("CPU seconds in all", f"≤ {share:.1f}", f"{self.cpu_s:.2f}", self.cpu_s <= share),
            Bar(
                "faster than the official code",
                f"≥ {LEAST_SPEED_UP:.0f} × each",
                f"{slowest:.0f} × at least" + (f"; too slow: {_numbers(slow)}" if slow else ""),
                not slow,
            ),
            Bar("nodes (15: 2,000; else the official code's)", "all", _but(large, len(rows)), not large),
        )


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _but(missing: list[int], n: int) -> str:
    return f"{n - len(missing)} of {n}" + (f", not {_numbers(missing)}" if missing else "")


def demo_problem(number: int, width: int) -> Problem:
    """Function `number` as something to learn: no recorded rows."""
    return Problem(
        name=f"{number}: {DEMO[number].text}",
        schema=demo_schema(width),
        oracle=partial(DemoOracle, number, width),
        prove=partial(prove_demo, number, width),
    )


def chosen(only: str | None) -> tuple[DemoFunction, ...]:
    """Functions by a text such as ``7,15``; all without one.

    Raises
    ------
    UsageError
        No such function.
    """
    if only is None:
        return DEMO
    try:
        return tuple(DEMO[_index(word)] for word in only.split(","))
    except (ValueError, IndexError):
        raise UsageError(f"--only {only!r}: must be numbers of 0 to {len(DEMO) - 1}, such as 7,15") from None


def _index(word: str) -> int:
    index = int(word)
    if index < 0:
        raise ValueError(word)
    return index


def run_demo(
    functions: Iterable[DemoFunction] = DEMO,
    *,
    width: int = _PEER_WIDTH,
    config: LearnConfig | None = None,
    on_row: Callable[[int, DemoRow], None] | None = None,
) -> DemoResult:
    """Learn and prove functions of the suite, one after another in one process.

    Parameters
    ----------
    functions : which.
    width : bits of a word; the peer's figures are of 32.
    config : of the learner; its time limit is that of each function.
    on_row : told (rows done, row) after each.
    """
    used = config if config is not None else LearnConfig(time_limit_s=60.0)
    rows: list[DemoRow] = []
    with Worker() as worker:
        for function in functions:
            trial = run_trial(worker, demo_problem(function.number, width), Plan(used))
            rows.append(
                DemoRow(
                    function.number,
                    function.text,
                    trial,
                    function.peer_cpu_s,
                    function.peer_nodes,
                    function.peer_accuracy,
                )
            )
            if on_row is not None:
                on_row(len(rows), rows[-1])
    return DemoResult(width, used.seed, tuple(rows), max((row.trial.warm_up_s for row in rows), default=0.0))
