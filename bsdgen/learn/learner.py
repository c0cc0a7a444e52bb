"""The learner: grow, assemble, look for mistakes, put them into the bank, grow again.

A counterexample that joins the bank splits the merge that caused it: along its path, replacing the prefix by
the representative's cube changes the oracle's answer at exactly the step that was merged wrongly, and with
the row in the bank the two signatures of that step differ (Angluin, Information and Computation 75, 1987;
Rivest and Schapire 1993).
"""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.errors import BudgetReached
from bsdgen.learn.accuracy import Accuracy, compare, measure_accuracy
from bsdgen.learn.assemble import Assembly, CycleFound, Unexpanded, assemble
from bsdgen.learn.budget import Budget, out_of_memory
from bsdgen.learn.check import Checker, Mistakes
from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.contexts import Context
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.layers import Expander, Memory
from bsdgen.learn.partial import Source, close, discard
from bsdgen.learn.progress import Progress
from bsdgen.learn.queries import Queries
from bsdgen.learn.record import record
from bsdgen.learn.rescue import Rescue
from bsdgen.learn.samples import RowSource
from bsdgen.learn.tree import Decision, TreeGrower, TreeNode
from bsdgen.learn.watch import WatchedOracle
from bsdgen.oracle.protocol import Oracle

_CHOICE_ROWS = 1 << 13  # fresh rows on which two unfinished diagrams are compared
_MEASURE_SHARE = 0.05  # of the time limit, for the measurement at its end


class BsdLearner:
    """Learns all outputs of an oracle as one diagram.

    Fitted attributes: `bsd_` (the diagram), `stats_`, `ledger_` (arrays of the `Ledger` and of the
    `ControlTree`), `ledger_summary_` (what was speculated, how often, on how much evidence).
    """

    def __init__(self, config: LearnConfig | None = None) -> None:
        self.config = config if config is not None else LearnConfig()
        self.bsd_: Bsd
        self.stats_: LearnStats
        self.ledger_: dict[str, NDArray[Any]]
        self.ledger_summary_: dict[str, Any]

    def fit(
        self, oracle: Oracle, rows: U64 | None = None, on_event: Callable[[Event], None] | None = None
    ) -> "BsdLearner":
        """Learn.

        Parameters
        ----------
        oracle : answers batches of packed rows.
        rows : (n, w) recorded inputs, or None: where rare events come from.
        on_event : told about every step of the work.

        Raises
        ------
        ValueError
            `rows` have the wrong type or shape.
        BudgetReached
            More functions, rounds, time or memory would be needed than the configuration allows. The fitted
            attributes are set all the same: the best diagram so far, with ``stats_.finished`` False and its
            accuracy on fresh rows.
        """
        w = n_words(oracle.n_inputs)
        if rows is not None and (rows.dtype != np.uint64 or rows.ndim != 2 or rows.shape[1] != w):
            raise ValueError(f"rows must be uint64 of shape (n, {w}), not {rows.dtype} {rows.shape}")
        threads = numba.get_num_threads()
        if self.config.jobs:
            numba.set_num_threads(min(self.config.jobs, os.cpu_count() or 1))
        try:
            _Fit(self, oracle, rows, on_event).run()
        finally:
            numba.set_num_threads(threads)
        return self


@dataclass(frozen=True, eq=False)
class _Attempt:
    """A whole diagram, and what it was made from."""

    table: FunctionTable
    tree: list[TreeNode]
    assembly: Assembly
    mistakes: Mistakes
    bank: U64


class _Fit:
    """State of one `BsdLearner.fit`."""

    def __init__(
        self, learner: BsdLearner, oracle: Oracle, rows: U64 | None, on_event: Callable[[Event], None] | None
    ) -> None:
        self.learner = learner
        self.config = learner.config
        self.budget = Budget(self.config)
        self.progress = Progress(on_event, self.budget)
        self.queries = Queries(WatchedOracle(oracle, self._answered))
        self.source = RowSource(oracle.n_inputs, rows)
        self.rng = np.random.default_rng(self.config.seed)
        self.started = time.perf_counter()
        self.cpu_started = time.process_time()
        self.memory = Memory()
        self.orders: dict[bytes, list[int]] = {}
        self.decisions: dict[bytes, Decision] = {}
        self.n_separated = 0
        self.round = 0
        self.n_counterexamples = 0
        self.bank: U64
        self.table: FunctionTable | None = None
        self.grower: TreeGrower | None = None
        self.best: _Attempt | None = None  # the diagram of the last round that came to its end

    def run(self) -> None:
        try:
            self._finish(self._search())
        except (BudgetReached, MemoryError) as stop:
            reached = stop if isinstance(stop, BudgetReached) else self._no_memory()
            self.budget.off()
            self.progress.say("partial", f"{reached}; making the best of what there is")
            best = self.best if self.best is not None else self._rescued()
            self._finish(best, self._accuracy(best.assembly.bsd))
            if reached is stop:
                raise
            raise reached from stop

    def _search(self) -> _Attempt:
        """Rounds of building and checking until no fresh row is wrong."""
        self.progress.say("contexts", "drawing the bank; a first run also compiles its kernels")
        self.bank = self.source.mixed(self.rng, self.config.n_bank)
        while True:
            built = self._build(self.bank)
            mistakes = self._check(built)
            self.best = replace(built, mistakes=mistakes)
            self.budget.refine()
            if not mistakes.rows:
                return self.best
            if self.round >= self.config.max_rounds:
                raise BudgetReached(
                    f"after {self.round} rounds of refinement {mistakes.wrong} of {mistakes.checked} fresh "
                    "rows are still wrong; raise max_rounds (--max-rounds)"
                )
            self.bank = self._extended(self.bank, mistakes)

    def _check(self, built: _Attempt) -> Mistakes:
        """Look for mistakes in the diagram of this round."""
        recorded = self.source.recorded
        n_rows = self.config.n_check + (0 if recorded is None else recorded.shape[0])
        self.progress.checking(n_rows)
        mistakes = Checker(self.queries, built.assembly).run(
            self.source, self.rng, _context_cubes(built.tree), self.config.n_check
        )
        self.round += 1
        self.n_counterexamples += len(mistakes.rows)
        self.progress.round, self.progress.counterexamples = self.round, self.n_counterexamples
        self.progress.accuracy = 1.0 - mistakes.wrong / mistakes.checked
        self.progress.say(
            "check",
            f"round {self.round}: {built.assembly.bsd.n_nodes} nodes, "
            f"{mistakes.wrong} of {mistakes.checked} fresh rows wrong",
        )
        return mistakes

    def _extended(self, bank: U64, mistakes: Mistakes) -> U64:
        """The bank with the counterexamples, and near misses of them up to a multiple of 64."""
        rows = np.array(mistakes.rows)
        near = self.source.flipped(self.rng, rows[self.rng.integers(0, rows.shape[0], -rows.shape[0] % 64)])
        return np.concatenate([bank, rows, near])

    def _build(self, bank: U64) -> _Attempt:
        """Tree, table and diagram for one bank; not checked yet."""
        table = FunctionTable(self.queries.planes(bank, self.queries.n_inputs), self.config.merging)
        expander = Expander(
            self.queries,
            table,
            bank,
            self.config.n_sensitivity,
            self.config.max_nodes,
            self.orders,
            self.memory,
            self._expanded,
        )
        grower = TreeGrower(self.queries, table, expander, bank, self.config, self.decisions)
        grower.tell = self.progress.say
        self.table, self.grower = table, grower
        self.progress.building(table, grower)
        grower.grow(self._root())
        grower.settled = len(table)
        assembly = self._assemble(expander, grower, bank)
        return _Attempt(table, grower.nodes, assembly, Checker(self.queries, assembly).mistakes, bank)

    def _root(self) -> Context:
        zero = np.zeros(self.queries.w_in, np.uint64)
        return Context(zero, zero.copy(), np.arange(self.queries.n_outputs, dtype=np.int64))

    def _assemble(self, expander: Expander, grower: TreeGrower, bank: U64) -> Assembly:
        table = expander.table
        while True:
            try:
                return assemble(table, grower.nodes, self.queries.n_outputs, self.queries.w_in)
            except Unexpanded as left:
                functions = [table.at(i) for i in left.ids]
                signatures = self.memory.signatures(
                    self.queries,
                    bank,
                    np.array([f.output for f in functions], np.int64),
                    np.array([f.mask for f in functions]),
                    np.array([f.value for f in functions]),
                )
                expander.expand(left.ids, signatures, b"left over")
            except CycleFound as found:
                expander.separate(found.index, found.branch)
                self.n_separated += 1

    def _answered(self, n_rows: int) -> None:
        """After each answer of the oracle."""
        self.progress.answered(n_rows)
        self.budget.check(len(self.table) if self.table is not None else 0)

    def _expanded(self, n_functions: int) -> None:
        """After each layer of an expansion."""
        self.budget.check(n_functions)

    def _no_memory(self) -> BudgetReached:
        """What a failed allocation means."""
        return out_of_memory(self.budget.memory_mib, len(self.table) if self.table is not None else 0)

    def _rescued(self) -> _Attempt:
        """A diagram although no round came to its end.

        What is finished of the control tree is completed by guesses. Beside it all outputs are learned one by
        one; each output is taken from where fewer fresh rows are wrong.
        """
        table, tree = self.table, self.grower.nodes if self.grower is not None else []
        if table is None or not tree:
            self.bank = self.source.mixed(self.rng, self.config.n_bank)
            table, tree = FunctionTable(self.queries.planes(self.bank, self.queries.n_inputs)), []
        if self.grower is not None and tree:
            discard(table, tree, self.grower.settled)
        tree = tree or [TreeNode(self._root())]
        self.table = table
        if self.budget.is_short_of_memory:
            self.memory.clear()
        source = Source(self.queries, self.memory, self.bank)
        self.budget.rescue()
        found = Rescue(source, table, self.config, self._expanded).run(self._root())
        self.budget.off()
        made = self._closed(source, table, tree)
        rows = self.source.mixed(self.rng, _CHOICE_ROWS)
        grown_wrong = compare(self.queries, made.bsd, rows).by_output
        alone = self._closed(source, table, [TreeNode(self._root(), found)])
        alone_wrong = compare(self.queries, alone.bsd, rows).by_output
        tree[0].known |= {o: e for o, e in found.items() if alone_wrong[o] <= grown_wrong[o]}
        made = self._closed(source, table, tree)
        return _Attempt(table, tree, made, Checker(self.queries, made).mistakes, self.bank)

    def _closed(self, source: Source, table: FunctionTable, tree: list[TreeNode]) -> Assembly:
        close(source, table, tree)
        return assemble(table, tree, self.queries.n_outputs, self.queries.w_in)

    def _accuracy(self, bsd: Bsd) -> Accuracy:
        """How often an unfinished diagram is right."""
        limit = self.config.time_limit_s
        return measure_accuracy(
            self.queries,
            bsd,
            self.source,
            np.random.default_rng([self.config.seed, self.round]),
            _MEASURE_SHARE * limit if limit else None,
        )

    def _finish(self, attempt: _Attempt, measured: Accuracy | None = None) -> None:
        """Set the fitted attributes; `measured` is the accuracy of a diagram that is not finished."""
        learner, assembly, table = self.learner, attempt.assembly, attempt.table
        # what a check of an unfinished diagram saw is evidence of nothing: some of it was wrong
        mistakes = attempt.mistakes if measured is None else Checker(self.queries, assembly).mistakes
        n_checked, n_wrong = (
            (mistakes.checked, 0) if measured is None else (measured.n_rows, measured.n_wrong)
        )
        leaves = [node for node in attempt.tree if node.low < 0]
        n_guards = sum(node.low >= 0 and node.guard >> 1 > table.n_inputs for node in attempt.tree)
        learner.bsd_ = assembly.bsd
        learner.stats_ = LearnStats(
            wall_s=time.perf_counter() - self.started,
            cpu_s=time.process_time() - self.cpu_started,
            peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            oracle_queries=self.queries.n_queries,
            n_contexts=len(leaves),
            n_guards=n_guards,
            n_functions=len(table) - 1 - table.n_inputs,
            n_nodes=assembly.bsd.n_nodes,
            n_rounds=self.round,
            n_counterexamples=self.n_counterexamples,
            n_checked=n_checked,
            finished=measured is None,
            n_wrong=n_wrong,
            wrong_by_output=tuple(measured.by_output.tolist()) if measured is not None and n_wrong else (),
        )
        ledger = record(assembly, attempt.tree, mistakes, int(attempt.bank.shape[0]))
        learner.ledger_ = ledger.arrays() | assembly.tree.arrays()
        learner.ledger_summary_ = {
            "bank_rows": int(attempt.bank.shape[0]),
            "contexts": len(leaves),
            "function_guards": n_guards,
            "merges": int(sum(table.at(i).merges for i in range(1 + table.n_inputs, len(table)))),
            "undone_merges": self.n_separated,
            **ledger.summary(),
            "fresh_rows_checked": n_checked,
            "fresh_rows_wrong": n_wrong,
        }
        right = "all right" if not n_wrong else f"{n_wrong} of them wrong"
        self.progress.say(
            "done", f"{assembly.bsd.n_nodes} nodes, {len(leaves)} contexts, {n_checked} fresh rows {right}"
        )


def _context_cubes(tree: list[TreeNode]) -> tuple[U64, U64]:
    """Cubes of all contexts of a tree."""
    contexts = [node.context for node in tree]
    return np.array([c.mask for c in contexts]), np.array([c.value for c in contexts])
