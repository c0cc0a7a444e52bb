"""Rows in which features take given values, by a satisfiability solver, or the proof that there are none.

What no row has met can be met on purpose: a definition is a circuit over the inputs, and a cell of a table is
an assignment of a few of them (Tseitin's encoding, a clause a cell). Where there is no such row the cell says
nothing: whatever stands in it, the function is the same.
"""

from collections.abc import Sequence

import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.learn.evidence.definitions import Definitions

_CONFLICTS = 20_000  # of one search, until it is given up


class Situations:
    """Finds input rows for assignments of features.

    Parameters
    ----------
    definitions : the features' definitions; may grow.
    seed : of the choice among rows.
    """

    def __init__(self, definitions: Definitions, seed: int = 0) -> None:
        from pysat.solvers import Solver  # half a second

        self.definitions = definitions
        self.n_inputs = definitions.n_inputs
        self._rng = np.random.default_rng([seed, 3])
        self._solver = Solver(name="glucose4")
        self._variable = {v: v + 1 for v in range(self.n_inputs)}
        tail = self.n_inputs % 64
        self._tail = np.full(n_words(self.n_inputs), ~np.uint64(0))
        if tail:
            self._tail[-1] = np.uint64((1 << tail) - 1)

    def exist(self, wanted: Sequence[tuple[int, int]]) -> bool:
        """Whether there are such rows, as far as that is known: if the search was given up, there may be."""
        return not self.never(wanted)

    def never(self, wanted: Sequence[tuple[int, int]]) -> bool:
        """Whether it is proved that there are no such rows."""
        return self._answer([self._literal(feature, value) for feature, value in wanted]) is False

    def _answer(self, assumed: Sequence[int]) -> bool | None:
        self._solver.conf_budget(_CONFLICTS)
        answer: bool | None = self._solver.solve_limited(assumptions=assumed)
        return answer

    def rows(self, wanted: Sequence[tuple[int, int]], n: int) -> U64 | None:
        """Up to `n` input rows, shape (m, words), in which every feature has its value.

        Inputs that the features do not depend on are drawn at random, so are the others as far as they are
        free. No rows at all, m = 0: there are none. None: the search was given up.
        """
        assumed = [self._literal(feature, value) for feature, value in wanted]
        support = 0
        for feature, _ in wanted:
            support |= self.definitions.support(feature)
        free = self._packed(~support & ((1 << self.n_inputs) - 1))
        found = []
        for _ in range(n):
            fair = self._rng.integers(0, 2, self.n_inputs).tolist()
            self._solver.set_phases([v + 1 if bit else -v - 1 for v, bit in enumerate(fair)])
            answer = self._answer(assumed)
            if answer is None:
                return None
            if not answer:
                break
            model = self._solver.get_model()
            row = self._packed(sum(1 << v for v in range(min(self.n_inputs, len(model))) if model[v] > 0))
            random = self._rng.integers(0, 1 << 64, row.shape, np.uint64) & free
            found.append((row & ~free) | random)
        return np.array(found, np.uint64).reshape(-1, n_words(self.n_inputs)) & self._tail

    def _packed(self, bits: int) -> U64:
        words = n_words(self.n_inputs)
        return np.frombuffer(bits.to_bytes(8 * words, "little"), np.uint64)

    def _literal(self, feature: int, value: int) -> int:
        self._encode(feature)
        return self._variable[feature] if value else -self._variable[feature]

    def _encode(self, feature: int) -> None:
        """Clauses of a definition and of all that it is made of."""
        if feature in self._variable:
            return
        for number in self.definitions.reached([feature]):
            if number in self._variable:
                continue
            own = self._variable[number] = len(self._variable) + 1
            features = [self._variable[f] for f in self.definitions.features[number - self.n_inputs]]
            for cell, value in enumerate(self.definitions.tables[number - self.n_inputs]):
                clause = [-v if cell >> j & 1 else v for j, v in enumerate(features)]
                self._solver.add_clause([*clause, own if value else -own])
