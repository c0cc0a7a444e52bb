"""What is told while learning: counts of what is open and done, memory, time."""

from collections.abc import Callable

from bsdgen.learn.budget import Budget, rss_mib
from bsdgen.learn.config import Event
from bsdgen.learn.functions import UNEXPANDED, FunctionTable
from bsdgen.learn.tree import TreeGrower, TreeNode

_INTERVAL_S = 0.2  # between two events that only say how far the work is


class Progress:
    """Makes events; the fields are set by whoever knows them.

    Attributes
    ----------
    round, counterexamples, accuracy : see `Event`.
    table, grower : what is being built; None before.
    """

    def __init__(self, on_event: Callable[[Event], None] | None, budget: Budget) -> None:
        self.on_event = on_event
        self.budget = budget
        self.round = 0
        self.counterexamples = 0
        self.accuracy: float | None = None
        self.table: FunctionTable | None = None
        self.grower: TreeGrower | None = None
        self._last_s = 0.0
        self._begun_s = 0.0  # of this stage of this round
        self._contexts_before: tuple[int, float] | None = None  # contexts and seconds of the round before
        self._rows: tuple[int, int] | None = None  # checked, to be checked

    def building(self, table: FunctionTable, grower: TreeGrower) -> None:
        """A round begins to build its tree and table."""
        self.table, self.grower, self._rows = table, grower, None
        self._begun_s = self.budget.elapsed_s

    def checking(self, n_rows: int) -> None:
        """The diagram of this round is there and `n_rows` rows are going to be compared."""
        now = self.budget.elapsed_s
        self._contexts_before = (len(self.tree), now - self._begun_s)
        self._begun_s, self._rows = now, (0, n_rows)

    def answered(self, n_rows: int) -> None:
        """The oracle answered: say how far the work is, unless that was said just now."""
        if self._rows is not None:
            self._rows = (min(self._rows[0] + n_rows, self._rows[1]), self._rows[1])
        if self.on_event is None or self.budget.elapsed_s - self._last_s < _INTERVAL_S:
            return
        if self._rows is not None:
            self.say("checking", f"round {self.round + 1}: {self._rows[0]} of {self._rows[1]} fresh rows")
        else:
            n = len(self.table) if self.table is not None else 0
            self.say("expand", f"round {self.round + 1}: {n} functions")

    def say(self, stage: str, message: str) -> None:
        """Tell one event."""
        if self.on_event is None:
            return
        self._last_s = self.budget.elapsed_s
        n_open, n_done = self._functions()
        contexts_done = sum(_is_done(node) for node in self.tree)
        done, total = self._rows if stage == "checking" and self._rows is not None else (self.round, 0)
        self.on_event(
            Event(
                stage=stage,
                done=done,
                total=total,
                nodes=n_open + n_done,
                message=message,
                round=self.round,
                functions_open=n_open,
                functions_done=n_done,
                contexts_open=len(self.tree) - contexts_done,
                contexts_done=contexts_done,
                accuracy=self.accuracy,
                counterexamples=self.counterexamples,
                rss_mib=rss_mib(),
                elapsed_s=self._last_s,
                left_s=self._left_s(contexts_done),
            )
        )

    @property
    def tree(self) -> list[TreeNode]:
        """Contexts so far."""
        return self.grower.nodes if self.grower is not None else []

    def _functions(self) -> tuple[int, int]:
        """Functions that wait for their expansion, and that have it."""
        if self.table is None:
            return 0, 0
        made = self.table.functions[1 + self.table.n_inputs :]
        n_open = sum(function is not None and function.variable == UNEXPANDED for function in made)
        return n_open, len(made) - n_open

    def _left_s(self, contexts_done: int) -> float | None:
        """Time that this stage of the round takes still, if anything tells."""
        spent = self.budget.elapsed_s - self._begun_s
        if self._rows is not None:
            done, total = self._rows
            return spent * (total - done) / done if done else None
        if self._contexts_before is None or not contexts_done:
            return None
        # a later round grows nearly the same tree: its contexts cost about the same
        contexts, _ = self._contexts_before
        return spent * max(0, contexts - contexts_done) / contexts_done


def _is_done(node: TreeNode) -> bool:
    return node.low >= 0 or all(int(output) in node.known for output in node.context.outputs)
