"""Doubts: cells of tables that no row met although some row could, and tables that few rows support."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.tables.worth import unseen
from bsdgen.learn.evidence.tree import Node

Assignment = tuple[tuple[int, int], ...]
"""Features and their values."""


Cells = tuple[int, ...]


@dataclass(frozen=True)
class Unmet:
    """Cells that no row of a context met although some row could, of an output.

    own : of its table.
    inside : how many of the definitions that it is made of, met by no row anywhere; and met elsewhere.
    """

    own: Cells = ()
    inside: tuple[int, int] = (0, 0)


class Doubts:
    """What no row met, by context and output; `doubts` and `scarce` see `Support`."""

    def __init__(
        self,
        contexts: Mapping[int, RowContext],
        nodes: Sequence[Node],
        known: Sequence[Mapping[int, int]],
        cares: Sequence[Mapping[int, int]],
        definitions: Definitions,
    ) -> None:
        self.doubts: list[Assignment] = []
        self.scarce: list[Assignment] = []
        self.unmet: dict[int, dict[int, Unmet]] = {at: {} for at in contexts}
        self._definitions = definitions
        self._situations = Situations(definitions)
        self._met: dict[int, NDArray[np.bool_]] = {}  # cells of definitions that rows of any context met
        inside: dict[tuple[int, int], dict[int, NDArray[np.bool_]]] = {}
        for at, context in contexts.items():
            for output in np.flatnonzero(context.cared).tolist():
                explanation = context.explanations.get(output)
                if explanation is not None and output in known[at]:
                    care = cares[at].get(output)
                    where = nodes[at].path if care is None else (*nodes[at].path, (care, 1))
                    self._own(at, where, known[at], output, explanation)
                    made = [f for f in explanation.features if f >= definitions.n_inputs]
                    if made:
                        inside[at, output] = self._inside(context, output, made)
        asked: set[Assignment] = set()
        for (at, output), cells in inside.items():
            care = cares[at].get(output)
            where = nodes[at].path if care is None else (*nodes[at].path, (care, 1))
            never = elsewhere = 0
            for d, met in cells.items():
                features = definitions.features[d - definitions.n_inputs]
                for cell in np.flatnonzero(~met).tolist():
                    there = (*where, *((f, cell >> j & 1) for j, f in enumerate(features)))
                    if not self._situations.exist(there):
                        continue
                    never += not self._met[d][cell]
                    elsewhere += int(self._met[d][cell])
                    if there not in asked:
                        asked.add(there)
                        self.doubts.append(there)
            own = self.unmet[at].get(output, Unmet()).own
            if never or elsewhere:
                self.unmet[at][output] = Unmet(own, (never, elsewhere))

    def _own(
        self,
        at: int,
        where: Assignment,
        known: Mapping[int, int],
        output: int,
        explanation: Explanation,
    ) -> None:
        scarce = explanation.n_rows < few(explanation.features)
        if not scarce and not unseen(explanation):
            return
        features = [known[-1 - f] if f < 0 else f for f in explanation.features]
        found: list[int] = []
        for cell, seen in enumerate(explanation.counts):
            there = (*where, *((f, cell >> j & 1) for j, f in enumerate(features)))
            if sum(seen):
                self.scarce += [there] if scarce else []
            elif self._situations.exist(there):
                found.append(cell)
                self.doubts.append(there)
        if found:
            self.unmet[at][output] = Unmet(tuple(found))

    def _inside(self, context: RowContext, output: int, made: Sequence[int]) -> dict[int, NDArray[np.bool_]]:
        """By definition that features are made of: its cells that rows met which care for the output."""
        found = {}
        for d in self._definitions.reached(made):
            counts, _ = context.tabulate(
                output, self._definitions.features[d - self._definitions.n_inputs], 1 << 30
            )
            met = counts[:, 0] + counts[:, 1] > 0
            found[d] = met
            self._met[d] = self._met[d] | met if d in self._met else met
        return found


def chained(explanations: Mapping[int, Explanation], unmet: Mapping[int, Unmet]) -> dict[int, int]:
    """By output: unmet cells in its table and in those that it is built on."""
    doubts: dict[int, int] = {}
    for output in explanations:
        reached, stack = {output}, [output]
        while stack:
            for f in explanations[stack.pop()].features:
                if f < 0 and -1 - f not in reached and -1 - f in explanations:
                    reached.add(-1 - f)
                    stack.append(-1 - f)
        doubts[output] = sum(len(unmet[q].own) + sum(unmet[q].inside) for q in reached if q in unmet)
    return doubts


def few(features: Sequence[int]) -> int:
    """Rows below which an explanation may be chance: a constant that held a few times, a feature by luck."""
    return 64 if not features else 32 << len(features)
