"""One run of the learner: grow, assemble, look for mistakes, put them into the bank, grow again.

A counterexample that joins the bank splits the merge that caused it: along its path, replacing the prefix by
the representative's cube changes the oracle's answer at exactly the step that was merged wrongly, and with
the row in the bank the two signatures of that step differ (Angluin, Information and Computation 75, 1987;
Rivest and Schapire 1993).
"""

import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.errors import BudgetReached, InputError, OracleContradiction
from bsdgen.learn.accuracy import Accuracy, measure_accuracy
from bsdgen.learn.blame import refuted
from bsdgen.learn.budget import Budget, out_of_memory
from bsdgen.learn.check import Checker, Mistakes
from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.contexts import Context
from bsdgen.learn.cycles import Cyclic, assembled
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.hint import Hint
from bsdgen.learn.keeper import Cost, Keeper, RoundState, spot_check
from bsdgen.learn.layers import Expander, Memory
from bsdgen.learn.ledger import Ledger, nothing
from bsdgen.learn.partial import Source
from bsdgen.learn.product import Attempt, Product, product_of
from bsdgen.learn.progress import Progress
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource, bank_rows
from bsdgen.learn.sharer import Handout, Sharer
from bsdgen.learn.tree import Decision, TreeGrower, TreeNode
from bsdgen.learn.unfinished import Stopped, best_so_far
from bsdgen.learn.watch import watched
from bsdgen.oracle.protocol import Oracle

_MEASURE_SHARE = 0.05  # of the time limit, for the measurement at its end


@dataclass(frozen=True, eq=False)
class Fitted:
    """What is handed out: the diagram, what it cost, its ledger as arrays, what was speculated in words."""

    bsd: Bsd
    stats: LearnStats
    ledger: dict[str, NDArray[Any]]
    summary: dict[str, Any]


class Fit:
    """One run of the learner; `fitted` is its result, set at a budget's end too."""

    def __init__(
        self,
        config: LearnConfig,
        oracle: Oracle,
        rows: U64 | None,
        on_event: Callable[[Event], None] | None,
        keeper: Keeper | None,
        resuming: bool,
        hints: Mapping[bytes, Hint] | None = None,
    ) -> None:
        self.config = config
        self.fitted: Fitted | None = None
        self.budget = Budget(self.config)
        self.progress = Progress(on_event, self.budget)
        self.queries = Queries(watched(oracle, self._answered))
        self.source = RowSource(oracle.n_inputs, rows)
        self.rng = np.random.default_rng(self.config.seed)
        self.keeper, self.resuming = keeper, resuming
        self.hints: Mapping[bytes, Hint] = hints if hints is not None else {}
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
        self.best: Attempt | None = None  # the diagram of the last round that came to its end
        self.given_up = nothing(self.queries.w_in)  # speculations that were refuted so far

    def run(self) -> None:
        """Learn; raises what `BsdLearner.fit` says."""
        try:
            self._begin()
            shared = None
            while shared is None:
                attempt = self._search()
                shared = self._shared(attempt)
            self._publish(shared.product, shared.checked, None)
        except (BudgetReached, MemoryError) as stop:
            reached = stop if isinstance(stop, BudgetReached) else self._no_memory()
            self.budget.off()
            self.progress.say("partial", f"{reached}; making the best of what there is")
            self._save()
            best = self._best()
            measured = self._accuracy(best.bsd)
            self._publish(best, measured.n_rows, measured)
            if reached is stop:
                raise
            raise reached from stop
        except KeyboardInterrupt:
            self._save()
            raise

    def _begin(self) -> None:
        """Draw the bank, or take up the run that left a checkpoint."""
        if self.keeper is not None and self.resuming:
            self.progress.say("contexts", f"reading {self.keeper.folder}")
            begin = self.keeper.resume(self.memory)
            self.round, self.n_counterexamples = begin.round, begin.n_counterexamples
            self.n_separated, self.rng, self.bank = begin.n_separated, begin.rng, begin.bank
            self.decisions, self.orders, self.given_up = begin.decisions, begin.orders, begin.given_up
            self.progress.round, self.progress.counterexamples = self.round, self.n_counterexamples
            if not self.bank.shape[0]:  # that run was stopped before it had one
                self._draw_bank()
                return
            spot_check(self.queries, self.bank, self.memory)
            self.source.search(self.queries, self.config.seed)
            if self.keeper.best is not None:
                self.budget.refine()
        else:
            self.bank = np.zeros((0, self.queries.w_in), np.uint64)
            self._keep_round(None)  # so that there is something to resume from the first question on
            self._draw_bank()

    def _draw_bank(self) -> None:
        """The sample bank of the first round."""
        self.progress.say("contexts", "drawing the bank; a first run also compiles its kernels")
        bits = self.queries.n_inputs + self.queries.n_outputs
        size = bank_rows(self.config.n_bank, self.config.n_sensitivity, bits)
        self.bank = self.source.uniform(self.rng, size)  # for a budget that the search uses up
        self.bank = self.source.bank(self.rng, size, self.queries, self.config.seed)
        self._keep_round(None)

    def _search(self) -> Attempt:
        """Rounds of building and checking until no fresh row is wrong."""
        while True:
            try:
                built = self._build(self.bank)
            except Cyclic as found:
                self._begin_anew(found.rows)
                continue
            mistakes = self._check(built)
            self.best = replace(built, mistakes=mistakes, round=self.round)
            self.budget.refine()
            if not mistakes.rows:
                return self.best
            self._refine(built, mistakes)

    def _begin_anew(self, rows: U64) -> None:
        """End a round before it has a diagram: with `rows` in the bank, its wrong merges are not made."""
        self.round += 1
        self.n_counterexamples += rows.shape[0]
        self.progress.round, self.progress.counterexamples = self.round, self.n_counterexamples
        self.progress.say("check", f"round {self.round}: {rows.shape[0]} merges that lead back to themselves")
        self._no_more_rounds(f"{rows.shape[0]} merges lead back to themselves")
        self.bank = self._extended(self.bank, rows)
        self._keep_round(self.best)

    def _no_more_rounds(self, still: str) -> None:
        """Raise `BudgetReached` after the last round."""
        if self.round >= self.config.max_rounds:
            raise BudgetReached(
                f"after {self.round} rounds of refinement {still}; raise max_rounds (--max-rounds)"
            )

    def _refine(self, built: Attempt, mistakes: Mistakes) -> None:
        """Put counterexamples into the bank of the next round."""
        self._give_up(refuted(built, np.array(mistakes.rows), self.queries, self.round))
        self._no_more_rounds(f"{mistakes.wrong} of {mistakes.checked} fresh rows are still wrong")
        self.bank = self._extended(self.bank, np.array(mistakes.rows))
        self._keep_round(built)

    def _shared(self, attempt: Attempt) -> Handout | None:
        """What is handed out of the last round; None if its diagram turned out to be wrong after all."""
        product = product_of(attempt, attempt.mistakes, self.given_up, self.round)
        maker = Sharer(self.queries, self.source, self.config, self.progress.say, self.budget.check)
        shared = maker.run(attempt, product, self.round)
        if shared.mistakes is None:
            return shared
        self._ask_again(attempt, shared.mistakes)
        self.n_counterexamples += len(shared.mistakes.rows)
        self.progress.counterexamples = self.n_counterexamples
        self._refine(attempt, shared.mistakes)
        return None

    def _keep_round(self, best: Attempt | None) -> None:
        """Save the beginning of a round, with the best diagram so far."""
        if self.keeper is None:
            return
        state = RoundState(
            self.round,
            self.n_counterexamples,
            self.n_separated,
            self.rng,
            self.bank,
            self.decisions,
            self.orders,
            self.given_up,
        )
        product = None if best is None else self._without_evidence(best)
        self.keeper.begin_round(state, product, self.memory, self._cost())

    def _save(self) -> None:
        """Save what there is, at the end of a run that is going to be resumed."""
        if self.keeper is not None:
            with suppress(OSError, InputError, MemoryError):  # then the state before is what is resumed
                self.keeper.save(self.memory, self._cost())
            self.keeper.close()

    def _best(self) -> Product:
        """The diagram of the last whole round, of this run or of the one before it; else the best so far."""
        if self.best is not None:
            return self._without_evidence(self.best)
        if self.keeper is not None and self.keeper.best is not None:
            return self.keeper.best
        source = Source(self.queries, self.memory, self.bank)
        stopped = Stopped(source, self.source, self.rng, self._root(), self.table, self.grower)
        return self._without_evidence(best_so_far(stopped, self.config, self.budget, self.budget.check))

    def _without_evidence(self, attempt: Attempt) -> Product:
        """A diagram that is not finished: what its check saw proves nothing, for some of it was wrong."""
        nothing_seen = Checker(self.queries, attempt.assembly).mistakes
        return product_of(attempt, nothing_seen, self.given_up, attempt.round or self.round)

    def _give_up(self, found: Ledger) -> None:
        """Note speculations that were refuted, one a cube and output, rather those with a row."""
        keys = found.keys()
        seen = {keys[at] for at in found.witnesses}
        shown = set(self.given_up.witnesses.tolist())
        kept = [at for at, key in enumerate(self.given_up.keys()) if at in shown or key not in seen]
        self.given_up = self.given_up.taken(np.array(kept, np.int64))
        known = set(self.given_up.keys())
        new = []
        for at, key in enumerate(keys):
            if key not in known:
                known.add(key)
                new.append(at)
        self.given_up = self.given_up.joined(found.taken(np.array(new, np.int64)))

    def _check(self, built: Attempt) -> Mistakes:
        """Look for mistakes in the diagram of this round."""
        recorded = self.source.recorded
        n_rows = self.config.n_check + (0 if recorded is None else recorded.shape[0])
        self.progress.checking(n_rows)
        mistakes = Checker(self.queries, built.assembly).run(
            self.source, self.rng, _context_cubes(built.tree), self.config.n_check
        )
        self._ask_again(built, mistakes)
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

    def _ask_again(self, built: Attempt, mistakes: Mistakes) -> None:
        """A counterexample must be one twice: a rare slip of the oracle would never be explained."""
        if not mistakes.rows:
            return
        rows = np.array(mistakes.rows)
        outputs, care = self.queries.ask(rows)
        still = ((built.assembly.bsd.evaluate(rows) ^ outputs) & care).any(axis=1)
        if not still.all():
            words = ", ".join(f"{int(word):#x}" for word in rows[int(np.argmin(still))])
            raise OracleContradiction(
                f"the oracle is not deterministic: {int((~still).sum())} of {rows.shape[0]} rows got another "
                f"answer when they were asked again, first the packed inputs {words}; it must be a function "
                "of its inputs alone (no state, clock or unseeded randomness)"
            )

    def _extended(self, bank: U64, rows: U64) -> U64:
        """The bank with counterexamples, and near misses of them up to a multiple of 64."""
        near = self.source.flipped(self.rng, rows[self.rng.integers(0, rows.shape[0], -rows.shape[0] % 64)])
        return np.concatenate([bank, rows, near])

    def _build(self, bank: U64) -> Attempt:
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
            self.budget.check,
        )
        grower = TreeGrower(self.queries, table, expander, bank, self.config, self.decisions, self.hints)
        grower.tell = self.progress.say
        self.table, self.grower = table, grower
        self.progress.building(table, grower)
        grower.grow(self._root())
        grower.settled = len(table)
        assembly, n_undone = assembled(expander, grower.nodes, bank, self.round + 1, self._give_up)
        self.n_separated += n_undone
        return Attempt(table, grower.nodes, assembly, Checker(self.queries, assembly).mistakes, bank)

    def _root(self) -> Context:
        zero = np.zeros(self.queries.w_in, np.uint64)
        return Context(zero, zero.copy(), np.arange(self.queries.n_outputs, dtype=np.int64))

    def _answered(self, n_rows: int) -> None:
        """After each answer of the oracle."""
        self.progress.answered(n_rows)
        self.budget.check(len(self.table) if self.table is not None else 0)
        if self.keeper is not None:
            failed = self.keeper.save_now_and_then(self.memory, self._cost)
            if failed:
                self.progress.say("warning", failed)

    def _cost(self) -> Cost:
        """What this run and those that it resumes have cost."""
        before = self.keeper.before if self.keeper is not None else Cost()
        return Cost(
            before.n_queries + self.queries.n_queries,
            before.wall_s + time.perf_counter() - self.started,
            before.cpu_s + time.process_time() - self.cpu_started,
        )

    def _no_memory(self) -> BudgetReached:
        """What a failed allocation means."""
        return out_of_memory(self.budget.memory_mib, len(self.table) if self.table is not None else 0)

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

    def _publish(self, product: Product, checked: int, measured: Accuracy | None) -> None:
        """Set the result; `measured` is the accuracy of a diagram that is not finished."""
        cost = self._cost()
        n_wrong = 0 if measured is None else measured.n_wrong
        stats = LearnStats(
            wall_s=cost.wall_s,
            cpu_s=cost.cpu_s,
            peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            oracle_queries=cost.n_queries,
            n_contexts=product.summary["contexts"],
            n_guards=product.summary["function_guards"],
            n_functions=product.n_functions,
            n_nodes=product.bsd.n_nodes,
            n_rounds=self.round,
            n_counterexamples=self.n_counterexamples,
            n_checked=checked,
            finished=measured is None,
            n_wrong=n_wrong,
            wrong_by_output=tuple(measured.by_output.tolist()) if measured is not None and n_wrong else (),
        )
        summary = {
            **product.summary,
            "undone_merges": self.n_separated,
            "fresh_rows_checked": checked,
            "fresh_rows_wrong": n_wrong,
        }
        self.fitted = Fitted(product.bsd, stats, product.ledger, summary)
        right = "all right" if not n_wrong else f"{n_wrong} of them wrong"
        self.progress.say(
            "done",
            f"{product.bsd.n_nodes} nodes, {product.summary['contexts']} contexts, "
            f"{checked} fresh rows {right}",
        )


def _context_cubes(tree: list[TreeNode]) -> tuple[U64, U64]:
    """Cubes of all contexts of a tree."""
    contexts = [node.context for node in tree]
    return np.array([c.mask for c in contexts]), np.array([c.value for c in contexts])
