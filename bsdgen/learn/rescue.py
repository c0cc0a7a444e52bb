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
from bsdgen.learn.functions import FunctionTable, free_variables, function_key
from bsdgen.learn.layers import Effort, Expander
from bsdgen.learn.partial import Source, unexpanded

_VARIABLES = 256  # that are flipped at a time
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
        signatures, _ = source.queries.all_outputs(source.bank, root.mask, root.value)
        support = self._support(root)
        for output in root.outputs.tolist():
            literal, _ = table.intern(output, root.mask, root.value, signatures[output])
            source.memory.planes[function_key(output, root.mask, root.value)] = signatures[output]
            cost = _FIRST_LIMIT * int(support[output]) ** 2
            begun.append(_Turn(cost, output, literal, int(support[output])))

    def _support(self, root: Context) -> NDArray[np.int64]:
        """How many variables each output was seen to depend on."""
        queries = self.source.queries
        variables = free_variables(root.mask, queries.n_inputs)
        support = np.zeros(queries.w_out * 64, np.int64)
        for first in range(0, variables.shape[0], _VARIABLES):
            part = variables[first : first + _VARIABLES]
            flipped = queries.all_differences(self.source.bank[:64], root.mask, root.value, part)
            seen = np.bitwise_or.reduce(flipped, axis=1)
            support += np.unpackbits(seen.view(np.uint8), axis=1, bitorder="little").sum(
                axis=0, dtype=np.int64
            )
        return support

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
