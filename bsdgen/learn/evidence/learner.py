"""Learning from rows alone: evidence first, then the diagram of what it says."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bsdgen.bits import U64
from bsdgen.errors import BudgetReached
from bsdgen.learn.budget import rss_mib
from bsdgen.learn.config import Event, LearnConfig
from bsdgen.learn.evidence.ask import Asked, Asker, said_by
from bsdgen.learn.evidence.claims.support import Unsupported
from bsdgen.learn.evidence.grow import Grower
from bsdgen.learn.evidence.hypothesis import Hypothesis
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.oracle.protocol import Oracle


@dataclass(frozen=True, eq=False)
class Evidence:
    """What rows say.

    Attributes
    ----------
    hypothesis : the function, an oracle.
    unsupported : claims that go beyond the rows.
    n_contexts, n_open : leaves of the control tree; those in which something is not explained.
    n_rows : rows learned from, answers among them.
    asked : what was asked, None if nobody was.
    cpu_s, wall_s : what it cost.
    """

    hypothesis: Hypothesis
    unsupported: tuple[Unsupported, ...]
    n_contexts: int
    n_open: int
    n_rows: int
    asked: Asked | None
    cpu_s: float
    wall_s: float


def evidence_of(
    inputs: U64,
    outputs: U64,
    care: U64,
    n_inputs: int,
    n_outputs: int,
    config: LearnConfig,
    on_event: Callable[[Event], None] | None = None,
    oracle: Oracle | None = None,
    questions: int = 0,
) -> Evidence:
    """Explain recorded rows, and ask where they leave doubt; no value of an uncared bit is read.

    Parameters
    ----------
    inputs, outputs, care : uint64, shape (n, words), packed as `bsdgen.bits` says
        Distinct rows without contradictions.
    n_inputs, n_outputs : bits.
    config : `seed`, which shuffles the rows, and `time_limit_s`: when half of it is used up, what is
        explained by then is taken.
    on_event : told about every context.
    oracle, questions : who is asked, and how many rows at most (`bsdgen.learn.evidence.ask`); None: nobody.
    """
    started, cpu = time.perf_counter(), time.process_time()
    store = RowStore.of(inputs, outputs, care, n_inputs, n_outputs, config.seed)
    n_done = 0

    def tell(message: str) -> None:
        nonlocal n_done
        n_done += 1
        if on_event is not None:
            elapsed = time.perf_counter() - started
            on_event(Event("evidence", n_done, 0, 0, message, rss_mib=rss_mib(), elapsed_s=elapsed))

    def check() -> None:
        if config.time_limit_s and time.perf_counter() - started > config.time_limit_s / 2:
            raise BudgetReached("half of the time limit is used up")

    grower = Grower(store, tell, check, config)
    asker = None if oracle is None else Asker(grower, oracle, questions, config.seed, tell, check)
    with suppress(BudgetReached):
        grower.run()
        if asker is not None:
            asker.run()
    said, support = said_by(grower)
    beyond = support.unsupported
    leaves = [node for node in grower.nodes if node.is_leaf]
    return Evidence(
        said,
        beyond,
        len(leaves),
        len({u.path for u in beyond if u.reason == "open"}),
        grower.store.n_rows,
        None if asker is None else asker.asked,
        time.process_time() - cpu,
        time.perf_counter() - started,
    )
