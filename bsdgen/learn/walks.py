"""Rows that walk down what a claim says a function is, so that its last nodes are reached too.

Two functions that differ only where a carry has run far are merged when no row of the bank shows it, and
rows drawn at random inside the claim's cube do not show it either. The diagram that both were given tells
where its rare leaves are: a random path is chosen in it, and its variables are forced on a row in the cube.
"""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32
from bsdgen.learn.control import GONE, ControlTree
from bsdgen.learn.kernels import walk as kernel

I64 = NDArray[np.int64]


class Walker:
    """Walks down one diagram with its control tree."""

    def __init__(self, bsd: Bsd, tree: ControlTree) -> None:
        self.bsd = bsd
        self.depth = np.empty(1 + bsd.n_inputs + bsd.n_nodes, np.int64)
        kernel.depths(bsd.n_inputs, bsd.low, bsd.high, self.depth)
        worth = tree.literal >> 1 > bsd.n_inputs
        order = np.argsort(tree.entry_context[worth], kind="stable")
        self._literal = tree.literal[worth][order]
        context = tree.entry_context[worth][order]
        self._first = np.searchsorted(context, np.arange(tree.n_contexts))
        self._count = np.bincount(context, minlength=tree.n_contexts)
        self._n_contexts = tree.n_contexts

    def entries(self, rng: np.random.Generator, contexts: I64) -> I32:
        """Literal of some output in each context, for every second row only; negative for none.

        contexts (n,) may have numbers beyond those of the tree: of these nothing is known.
        """
        chosen = np.full(contexts.shape, GONE, np.int32)
        known = np.flatnonzero(contexts < self._n_contexts)
        at = known[self._count[contexts[known]] > 0][::2]
        n = self._count[contexts[at]]
        chosen[at] = self._literal[self._first[contexts[at]] + rng.integers(0, n)]
        return chosen

    def down(self, rng: np.random.Generator, rows: U64, mask: U64, which: I64, start: I32) -> None:
        """Make rows (n, w) walk from literals `start` (n,), negative for none; changed in place.

        mask (m, w), which (n,): the cube of each row, whose variables stay.
        """
        bsd = self.bsd
        key = rng.integers(0, 1 << 64, dtype=np.uint64)
        kernel.walk(key, bsd.n_inputs, bsd.guard, bsd.low, bsd.high, self.depth, start, mask, which, rows)
