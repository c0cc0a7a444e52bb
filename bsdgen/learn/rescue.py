"""When the search for a whole diagram must end: outputs one by one, easy ones first.

Each output is expanded in an order of its own, with a few functions at first and four times as many each time
it is its turn again, for as long as the budget lasts. What is known of it already is kept. An output of few
variables is worth more functions than one of many, since it may have an end; of what has none within the
budget there is a decision diagram down to some depth.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bsdgen.errors import BudgetReached
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.contexts import Context
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.layers import Effort, Expander
from bsdgen.learn.partial import Source, unexpanded

_FIRST_LIMIT = 16  # functions that an output may cost at its first turn
_GROWTH = 4  # times as many at the next
_MOST_FUNCTIONS = 8192  # in all, when no time limit says how long to go on


@dataclass(order=True)
class _Turn:
    """An output that is being learned: its literal, its variables, and the order it is expanded in."""

    cost: int  # of the next turn: functions times the square of the variables
    output: int
    literal: int
    support: int
    limit: int = _FIRST_LIMIT
    order: list[int] = field(default_factory=list)


class Rescue:
    """Learns outputs of the root one by one within a budget."""

    def __init__(
        self, source: Source, table: FunctionTable, config: LearnConfig, tick: Callable[[int], None]
    ) -> None:
        self.source = source
        self.table = table
        self.orders: dict[bytes, list[int]] = {}
        self.most = config.max_nodes if config.time_limit_s else min(config.max_nodes, _MOST_FUNCTIONS)
        self.started = len(table)
        self.expander = Expander(
            source.queries,
            table,
            source.bank,
            config.n_sensitivity,
            self.started + self.most,
            self.orders,
            source.memory,
            tick,
        )

    def run(self, root: Context) -> dict[int, int]:
        """Literal of each output of the root that was begun."""
        begun: list[_Turn] = []
        try:
            self._begin(root, begun)
            waiting = [turn for turn in begun if not self.table.expanded(turn.literal >> 1)]
            heapq.heapify(waiting)
            while waiting:
                turn = heapq.heappop(waiting)
                if not self._expand(turn):
                    turn.limit *= _GROWTH
                    turn.cost *= _GROWTH
                    heapq.heappush(waiting, turn)
        except (BudgetReached, MemoryError):
            pass  # what is there by now is the result
        return {turn.output: turn.literal for turn in begun}

    def _begin(self, root: Context, begun: list[_Turn]) -> None:
        """Intern all outputs and see how many variables they have."""
        source, table = self.source, self.table
        n = root.outputs.shape[0]
        mask, value = np.repeat(root.mask[None], n, axis=0), np.repeat(root.value[None], n, axis=0)
        signatures = source.memory.signatures(source.queries, source.bank, root.outputs, mask, value)
        for i, output in enumerate(root.outputs.tolist()):
            literal, _ = table.intern(output, root.mask, root.value, signatures[i])
            support = 0 if table.expanded(literal >> 1) else self._support(root, output)
            begun.append(_Turn(_FIRST_LIMIT * support * support, output, literal, support))

    def _support(self, root: Context, output: int) -> int:
        """How many variables an output was seen to depend on."""
        source = self.source
        rows = source.bank[:64]
        variables = np.arange(source.queries.n_inputs, dtype=np.int64)
        flips = np.concatenate([np.array([-1]), variables])
        planes = source.queries.sensitivities(
            np.ascontiguousarray(rows[None]),
            np.array([output]),
            root.mask[None],
            root.value[None],
            np.zeros(flips.shape[0], np.int64),
            flips,
        )
        changed: NDArray[np.bool_] = (planes[1:] ^ planes[0]).any(axis=1)
        return int(changed.sum())

    def _expand(self, turn: _Turn) -> bool:
        """Go on with an output; whether it is finished."""
        left = unexpanded(self.table, [turn.literal >> 1])
        if not left:
            return True
        functions = [self.table.at(i) for i in left]
        signatures = self.source.memory.signatures(
            self.source.queries,
            self.source.bank,
            np.array([f.output for f in functions], np.int64),
            np.array([f.mask for f in functions]),
            np.array([f.value for f in functions]),
        )
        key = b"rescue" + turn.output.to_bytes(4, "little")
        self.orders[key] = turn.order
        return self.expander.expand(left, signatures, key, Effort(turn.limit))
