"""RV32I, RV32E and every opcode class by itself: each learned from the rows inside, each proved."""

from collections.abc import Callable, Iterable

import msgspec

from bsdgen.bench.bars import Bar
from bsdgen.bench.steps import step_problem
from bsdgen.bench.trial import Plan, Trial, run_trial
from bsdgen.bits import U64
from bsdgen.errors import UsageError
from bsdgen.isa.subsets import OPCODES, rows_inside
from bsdgen.learn import LearnConfig
from bsdgen.oracle.simulator import Base
from bsdgen.worker import Worker

MOST_WALL_S = 60.0  # for learning RV32I
MOST_RSS_MIB = 2048
MOST_ANDS = 3956  # a step function in which people wrote each instruction on its own
WHOLE: dict[str, Base] = {"rv32i": "rv32i", "rv32e": "rv32e"}
PARTS: tuple[str, ...] = (*WHOLE, *OPCODES)
"""What is learned, by name."""


class SubsetRow(msgspec.Struct, frozen=True):
    """One part of the instruction set: its name, the recorded rows inside, the trial."""

    name: str
    rows: int
    trial: Trial


class SubsetResult(msgspec.Struct, frozen=True):
    """All parts of a run."""

    seed: int
    rows: tuple[SubsetRow, ...]
    optimise_rounds: int = 8

    @property
    def exact(self) -> bool:
        """Whether each was learned and proved."""
        return all(row.trial.learned and row.trial.proved for row in self.rows)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars that these rows decide."""
        exact = sum(row.trial.learned and row.trial.proved is True for row in self.rows)
        bars = [Bar("proved exact", "all", f"{exact} of {len(self.rows)}", exact == len(self.rows))]
        whole = next((row.trial for row in self.rows if row.name == "rv32i"), None)
        if whole is not None and whole.learned:
            wall, rss, ands = whole.wall_s, whole.peak_rss_mib, whole.ands_optimised
            bars.append(Bar("RV32I: seconds", f"≤ {MOST_WALL_S:g}", f"{wall:.1f}", wall <= MOST_WALL_S))
            bars.append(Bar("RV32I: MiB", f"≤ {MOST_RSS_MIB:,}", f"{rss:,.0f}", rss <= MOST_RSS_MIB))
            if ands is not None:
                text = f"RV32I: ANDs after {self.optimise_rounds} × (dch; compress2rs)"
                bars.append(Bar(text, f"≤ {MOST_ANDS:,}", f"{ands:,}", ands <= MOST_ANDS))
        return tuple(bars)


def chosen_parts(only: str | None) -> tuple[str, ...]:
    """Parts by a text such as ``rv32e,branch``; all without one.

    Raises
    ------
    UsageError
        No such part.
    """
    if only is None:
        return PARTS
    names = only.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise UsageError(f"--only: there is no {unknown[0]!r}; there are {', '.join(PARTS)}")
    return tuple(names)


def run_subsets(
    rows: U64,
    parts: Iterable[str] = PARTS,
    *,
    config: LearnConfig | None = None,
    optimise_rounds: int = 8,
    on_row: Callable[[int, SubsetRow], None] | None = None,
) -> SubsetResult:
    """Learn and prove parts of the instruction set, each in a process of its own.

    Parameters
    ----------
    rows : recorded inputs, packed by `RVFI_SCHEMA`.
    parts : of `PARTS`.
    config : of the learner; its time limit is that of each part.
    optimise_rounds : rounds of (dch; compress2rs) after which ANDs are counted, 0: not counted.
    on_row : told (rows done, row) after each.
    """
    used = config if config is not None else LearnConfig(time_limit_s=600.0)
    done: list[SubsetRow] = []
    with Worker() as worker:
        for name in parts:
            if name in WHOLE:
                problem = step_problem(rows, WHOLE[name])
            else:
                problem = step_problem(rows, "rv32i", (name,))
            inside = rows.shape[0] if name in WHOLE else int(rows_inside(rows, (name,)).sum())
            trial = run_trial(worker, problem, Plan(used, optimise_rounds), fresh=True)
            done.append(SubsetRow(name, inside, trial))
            if on_row is not None:
                on_row(len(done), done[-1])
    return SubsetResult(used.seed, tuple(done), optimise_rounds)
