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
    exclusive : make exclusive ors of two functions guards, where that makes the finished diagram smaller.
    reordering : sift the variables of what is learned, and join halves of a context that are smaller as one.
    substitution : share functions of different contexts that are equal up to a substitution of inputs.
    virtual : learning from rows: functions that other contexts are explained by are features.
    analogy : the same: feature sets that explain an output elsewhere are tried first.
    lookahead : the same: splits are chosen by what their halves explain, not by gain alone.
    preference : the same: cells that no row met are filled by what rows elsewhere support best.
    max_nodes : budget of expanded functions.
    max_rounds : budget of refinement rounds.
    n_check : fresh rows a round of refinement.
    time_limit_s : budget of wall time of one call of `fit`, 0 for none.
    max_memory_mib : budget of resident memory, 0 for 80 % of what the machine or its control group allows.
    """

    seed: int = 0
    jobs: int = 0
    n_bank: int = 8192
    n_sensitivity: int = 256
    control_gain: float = 0.12
    contexts: bool = True
    function_guards: bool = True
    merging: bool = True
    exclusive: bool = True
    reordering: bool = True
    substitution: bool = True
    virtual: bool = True
    analogy: bool = True
    lookahead: bool = True
    preference: bool = True
    max_nodes: int = 400_000
    max_rounds: int = 60
    n_check: int = 1 << 21
    time_limit_s: float = 0.0
    max_memory_mib: float = 0.0

    def __post_init__(self) -> None:
        if self.n_bank % 64 or self.n_bank < 64:
            raise ValueError(f"n_bank must be a positive multiple of 64, not {self.n_bank}")
        if self.n_sensitivity % 64 or not 64 <= self.n_sensitivity <= self.n_bank:
            raise ValueError(f"n_sensitivity must be a multiple of 64 up to n_bank, not {self.n_sensitivity}")


@dataclass(frozen=True)
class Event:
    """Something happened, or some time has passed: where the work is, for progress and log.

    Attributes
    ----------
    stage : ``contexts`` (one was split or settled), ``expand``, ``checking`` (at work on either),
        ``check`` (what a round found), ``share`` (units found), ``partial`` (a budget is used up),
        ``warning``, ``done``.
    done, total : work items of this stage (total 0: not known).
    nodes : functions known so far.
    message : one line for people.
    round : rounds of refinement that are over.
    functions_open, functions_done : functions that wait for their expansion; that have it.
    contexts_open, contexts_done : the same of contexts.
    accuracy : share of fresh rows on which all outputs were right at the last check, None before.
    counterexamples : rows found so far that were wrong.
    rss_mib, elapsed_s : memory now, wall time.
    left_s : how long this round will take still, judged from the one before; None if nothing is known.
    """

    stage: str
    done: int
    total: int
    nodes: int
    message: str
    round: int = 0
    functions_open: int = 0
    functions_done: int = 0
    contexts_open: int = 0
    contexts_done: int = 0
    accuracy: float | None = None
    counterexamples: int = 0
    rss_mib: float = 0.0
    elapsed_s: float = 0.0
    left_s: float | None = None


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
    n_checked : fresh rows that the diagram was compared with at the end: those of the last round, or after a
        budget was reached the rows that its accuracy was measured on.
    finished : whether no fresh row was wrong in the end; otherwise a budget was reached before.
    n_wrong : rows of `n_checked` on which some output is wrong.
    wrong_by_output : of them, those on which each output is wrong; empty if there are none.
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
    finished: bool = True
    n_wrong: int = 0
    wrong_by_output: tuple[int, ...] = ()
