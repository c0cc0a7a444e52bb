"""RV32I, RV32E and every opcode class by itself: each learned from the rows inside, each proved."""

from collections.abc import Callable, Iterable

import msgspec

from bsdgen.bench.steps import step_problem
from bsdgen.bench.trial import Plan, Trial, run_trial
from bsdgen.bench.worker import Worker
from bsdgen.bits import U64
from bsdgen.errors import UsageError
from bsdgen.isa.subsets import OPCODES, rows_inside
from bsdgen.learn import LearnConfig
from bsdgen.oracle.simulator import Base

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

    @property
    def exact(self) -> bool:
        """Whether each was learned and proved."""
        return all(row.trial.learned and row.trial.proved for row in self.rows)


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
    optimise_rounds: int = 2,
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
    return SubsetResult(used.seed, tuple(done))
