"""What each idea of the learner brings: learn without it, within the same budgets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from bsdgen.bench.demo import demo_problem
from bsdgen.bench.steps import step_problem
from bsdgen.bench.trial import Plan, Problem, Trial, configured, has_setting, run_trial
from bsdgen.bits import U64
from bsdgen.errors import UsageError
from bsdgen.worker import Worker

DEMO_NUMBERS = (1, 5, 7, 13, 16, 18)
"""Functions of the demo suite that ablations run on: sum, shift, comparison, negation, two ALUs."""


@dataclass(frozen=True)
class Variant:
    """A learner with something changed.

    Attributes
    ----------
    name : short, for options.
    text : for tables.
    settings : of `bsdgen.learn.LearnConfig`; a variant whose settings this learner lacks is not run.
    """

    name: str
    text: str
    settings: dict[str, Any]


VARIANTS: tuple[Variant, ...] = (
    Variant("whole", "the learner as it is", {}),
    Variant("no-merging", "no merging: a decision tree", {"merging": False}),
    Variant("no-guards", "no function guards", {"function_guards": False}),
    Variant("no-contexts", "no control splitting: one order for all", {"contexts": False}),
    Variant("no-exclusive", "no exclusive-or guards", {"exclusive": False}),
    Variant("no-substitution", "no sharing up to substitution", {"substitution": False}),
    Variant("no-reordering", "no better orders of what is learned", {"reordering": False}),
    Variant(
        "no-sharing",
        "none of the three",
        {"exclusive": False, "substitution": False, "reordering": False},
    ),
    Variant("no-refinement", "no refinement: one round", {"max_rounds": 1}),
    Variant("bank-512", "512 samples", {"n_bank": 512}),
    Variant("bank-2048", "2,048 samples", {"n_bank": 2048}),
    Variant("bank-4096", "4,096 samples", {"n_bank": 4096}),
    Variant("bank-16384", "16,384 samples", {"n_bank": 16384}),
)

OPTIMISE_ROUNDS = 8  # of (dch; compress2rs), after which ANDs are counted


class AblationRow(msgspec.Struct, frozen=True):
    """One variant on one function; `trial` is None if this learner has no such setting."""

    function: str
    variant: str
    text: str
    trial: Trial | None


class AblationResult(msgspec.Struct, frozen=True):
    """All rows of a run, and its budgets."""

    seed: int
    time_limit_s: float
    max_nodes: int
    rows: tuple[AblationRow, ...]

    def functions(self) -> list[str]:
        """Names of the functions, in their order."""
        return list(dict.fromkeys(row.function for row in self.rows))


def chosen_variants(only: str | None) -> tuple[Variant, ...]:
    """Variants by a text such as ``whole,no-merging``; all without one.

    Raises
    ------
    UsageError
        No such variant.
    """
    if only is None:
        return VARIANTS
    by_name = {variant.name: variant for variant in VARIANTS}
    names = only.split(",")
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise UsageError(f"--only: there is no variant {unknown[0]!r}; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in names)


def ablation_problems(rows: U64 | None, width: int = 32) -> list[Problem]:
    """Functions of the demo suite, then the step function if there are recorded rows of it."""
    problems = [demo_problem(number, width) for number in DEMO_NUMBERS]
    return problems if rows is None else [*problems, step_problem(rows)]


def run_ablations(
    problems: Iterable[Problem],
    variants: Iterable[Variant] = VARIANTS,
    *,
    seed: int = 0,
    jobs: int = 0,
    time_limit_s: float = 120.0,
    max_nodes: int = 100_000,
    on_row: Callable[[int, AblationRow], None] | None = None,
) -> AblationResult:
    """Learn every problem with every variant, each in a process of its own.

    Parameters
    ----------
    problems, variants : which.
    seed, jobs : of the learner.
    time_limit_s, max_nodes : budgets of each; one that is used up shows what was reached by then.
    on_row : told (rows done, row) after each.
    """
    used = tuple(variants)
    rows: list[AblationRow] = []
    with Worker() as worker:
        for problem in problems:
            for variant in used:
                trial = None
                if all(has_setting(name) for name in variant.settings):
                    config = configured(
                        seed=seed,
                        jobs=jobs,
                        time_limit_s=time_limit_s,
                        max_nodes=max_nodes,
                        **variant.settings,
                    )
                    trial = run_trial(worker, problem, Plan(config, OPTIMISE_ROUNDS), fresh=True)
                rows.append(AblationRow(problem.name, variant.name, variant.text, trial))
                if on_row is not None:
                    on_row(len(rows), rows[-1])
    return AblationResult(seed, time_limit_s, max_nodes, tuple(rows))
