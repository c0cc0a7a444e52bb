"""What a user can set about learning, and what learning tells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LearnConfig:
    """Settings of the learner; all have defaults that need no knowledge of the function.

    Attributes
    ----------
    seed : of every random choice.
    jobs : threads of the compiled kernels, 0 for all cores.
    n_bank : rows of the sample bank at the start (a multiple of 64); two functions are speculated to be equal
    when
        they agree on all of them.
    n_sensitivity : bank rows on which single-bit flips are tried (a multiple of 64, at most `n_bank`).
    control_gain : least relative drop of the square-root influence for a variable to become a control split.
    contexts : build a control tree at all (off: one shared variable order for everything).
    function_guards : look for guards that are functions of a set of variables.
    merging : speculate that functions with equal signatures are equal (off, for the ablation only: every
        cofactor is learned anew; the diagram is still reduced).
    max_nodes : budget of expanded functions.
    max_rounds : budget of refinement rounds.
    n_check : fresh rows a round of refinement.
    time_limit_s : budget of wall time, 0 for none.
    """

    seed: int = 0
    jobs: int = 0
    n_bank: int = 8192
    n_sensitivity: int = 256
    control_gain: float = 0.12
    contexts: bool = True
    function_guards: bool = True
    merging: bool = True
    max_nodes: int = 400_000
    max_rounds: int = 60
    n_check: int = 1 << 21
    time_limit_s: float = 0.0

    def __post_init__(self) -> None:
        if self.n_bank % 64 or self.n_bank < 64:
            raise ValueError(f"n_bank must be a positive multiple of 64, not {self.n_bank}")
        if self.n_sensitivity % 64 or not 64 <= self.n_sensitivity <= self.n_bank:
            raise ValueError(f"n_sensitivity must be a multiple of 64 up to n_bank, not {self.n_sensitivity}")


@dataclass(frozen=True)
class Event:
    """Something happened: where the work is, for progress, log and checkpoint.

    Attributes
    ----------
    stage : ``contexts``, ``expand``, ``check``, ``done``.
    done, total : work items of this stage (total 0: not known).
    nodes : functions known so far.
    message : one line for people.
    """

    stage: str
    done: int
    total: int
    nodes: int
    message: str


@dataclass(frozen=True)
class LearnStats:
    """What learning cost and found.

    Attributes
    ----------
    wall_s, cpu_s : seconds of this process, all threads for `cpu_s`.
    peak_rss_mib : high-water mark of the process.
    oracle_queries : rows asked.
    n_contexts, n_guards, n_functions, n_nodes : leaves of the control tree, function guards in it, distinct
    functions
        (speculated), nodes of the diagram.
    n_rounds, n_counterexamples : refinement.
    n_checked : fresh rows of the last round, all right.
    """

    wall_s: float
    cpu_s: float
    peak_rss_mib: float
    oracle_queries: int
    n_contexts: int
    n_guards: int
    n_functions: int
    n_nodes: int
    n_rounds: int
    n_counterexamples: int
    n_checked: int
