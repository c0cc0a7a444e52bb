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
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.errors import BudgetReached
from bsdgen.learn.assemble import Assembly, CycleFound, Unexpanded, assemble
from bsdgen.learn.check import Checker, Mistakes
from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.contexts import Context
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.layers import Expander, Memory
from bsdgen.learn.queries import Queries
from bsdgen.learn.record import record
from bsdgen.learn.samples import RowSource
from bsdgen.learn.tree import Decision, TreeGrower, TreeNode
from bsdgen.oracle.protocol import Oracle


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
            More functions, rounds or time would be needed than the configuration allows.
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


class _Fit:
    """State of one `BsdLearner.fit`."""

    def __init__(
        self, learner: BsdLearner, oracle: Oracle, rows: U64 | None, on_event: Callable[[Event], None] | None
    ) -> None:
        self.learner = learner
        self.config = learner.config
        self.on_event = on_event
        self.queries = Queries(oracle)
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
        self.table: FunctionTable
        self.tree: list[TreeNode]

    def run(self) -> None:
        if self.on_event is not None:
            self.on_event(
                Event("contexts", 0, 0, 0, "drawing the bank; a first run also compiles its kernels")
            )
        bank = self.source.mixed(self.rng, self.config.n_bank)
        while True:
            assembly = self._build(bank)
            mistakes = Checker(self.queries, assembly).run(
                self.source, self.rng, self._context_cubes(), self.config.n_check
            )
            self._in_time()
            self.round += 1
            self.n_counterexamples += len(mistakes.rows)
            self._say(
                "check",
                f"round {self.round}: {assembly.bsd.n_nodes} nodes, "
                f"{mistakes.wrong} of {mistakes.checked} fresh rows wrong",
            )
            if not mistakes.rows:
                self._finish(assembly, mistakes, bank)
                return
            if self.round >= self.config.max_rounds:
                raise BudgetReached(
                    f"after {self.round} rounds of refinement {mistakes.wrong} of {mistakes.checked} fresh "
                    "rows are still wrong; raise max_rounds"
                )
            bank = self._extended(bank, mistakes)

    def _extended(self, bank: U64, mistakes: Mistakes) -> U64:
        """The bank with the counterexamples, and near misses of them up to a multiple of 64."""
        rows = np.array(mistakes.rows)
        near = self.source.flipped(self.rng, rows[self.rng.integers(0, rows.shape[0], -rows.shape[0] % 64)])
        return np.concatenate([bank, rows, near])

    def _build(self, bank: U64) -> Assembly:
        """Tree, table and diagram for one bank."""
        self.table = FunctionTable(self.queries.planes(bank, self.queries.n_inputs), self.config.merging)
        expander = Expander(
            self.queries,
            self.table,
            bank,
            self.config.n_sensitivity,
            self.config.max_nodes,
            self.orders,
            self.memory,
            self._tick,
        )
        grower = TreeGrower(self.queries, self.table, expander, bank, self.config, self.decisions)
        grower.tell = self._say
        grower.grow(self._root())
        self.tree = grower.nodes
        return self._assemble(expander, bank)

    def _root(self) -> Context:
        zero = np.zeros(self.queries.w_in, np.uint64)
        return Context(zero, zero.copy(), np.arange(self.queries.n_outputs, dtype=np.int64))

    def _assemble(self, expander: Expander, bank: U64) -> Assembly:
        while True:
            try:
                return assemble(self.table, self.tree, self.queries.n_outputs, self.queries.w_in)
            except Unexpanded as left:
                functions = [self.table.at(i) for i in left.ids]
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

    def _context_cubes(self) -> tuple[U64, U64]:
        """Cubes of all contexts of the tree."""
        contexts = [node.context for node in self.tree]
        return np.array([c.mask for c in contexts]), np.array([c.value for c in contexts])

    def _in_time(self) -> None:
        limit = self.config.time_limit_s
        if limit and time.perf_counter() - self.started > limit:
            raise BudgetReached(
                f"time limit of {limit:g} s reached with {len(self.table)} functions; raise time_limit_s"
            )

    def _tick(self, n_functions: int) -> None:
        self._in_time()
        if self.on_event is not None:
            self.on_event(
                Event("expand", 0, 0, n_functions, f"round {self.round + 1}: {n_functions} functions")
            )

    def _say(self, stage: str, message: str) -> None:
        if self.on_event is not None:
            self.on_event(Event(stage, self.round, 0, len(self.table), message))

    def _finish(self, assembly: Assembly, mistakes: Mistakes, bank: U64) -> None:
        learner, table = self.learner, self.table
        leaves = [node for node in self.tree if node.low < 0]
        n_guards = sum(node.low >= 0 and node.guard >> 1 > table.n_inputs for node in self.tree)
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
            n_checked=mistakes.checked,
        )
        ledger = record(assembly, self.tree, mistakes, int(bank.shape[0]))
        learner.ledger_ = ledger.arrays() | assembly.tree.arrays()
        learner.ledger_summary_ = {
            "bank_rows": int(bank.shape[0]),
            "contexts": len(leaves),
            "function_guards": n_guards,
            "merges": int(sum(table.at(i).merges for i in range(1 + table.n_inputs, len(table)))),
            "undone_merges": self.n_separated,
            **ledger.summary(),
            "fresh_rows_checked": mistakes.checked,
            "fresh_rows_wrong": mistakes.wrong,
        }
        self._say(
            "done",
            f"{assembly.bsd.n_nodes} nodes, {len(leaves)} contexts, {mistakes.checked} fresh rows all right",
        )
