"""The control tree as arrays: which contexts there are and what each output is in them.

`bsdgen.learn.tree` grows it; this is what is left of it once its functions are nodes of a diagram, and what
is saved with a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32, moved

GONE = -1  # a literal whose node is not in the diagram
DONT_CARE = -2  # an output that means nothing in a context
_PREFIX = "tree_"


@dataclass(frozen=True, eq=False)
class ControlTree:
    """Contexts, parents before children; entry 0 is the root, which holds every row.

    Attributes
    ----------
    guard : int32, shape (n,)
        What the context is split on: a literal of the diagram; 0 for a leaf, `GONE` if no node is it.
    low, high : int32, shape (n,)
        Contexts where the guard is 0, is 1; -1 for a leaf.
    mask, value : uint64, shape (n, w)
        The cube. Below a function guard it has the assignment that stands for the guard's value.
    entry_context, entry_output, literal : int32, shape (m,)
        What an output of interest is in a context: a literal, `GONE` or `DONT_CARE`.
    settled : bool, shape (m,)
        Whether it was settled in this context; otherwise its halves were joined.
    """

    guard: I32
    low: I32
    high: I32
    mask: U64
    value: U64
    entry_context: I32
    entry_output: I32
    literal: I32
    settled: NDArray[np.bool_]

    @property
    def n_contexts(self) -> int:
        """Contexts, inner ones too."""
        return int(self.guard.shape[0])

    @property
    def leaf(self) -> NDArray[np.bool_]:
        """Which contexts are not split: shape (n,)."""
        leaves: NDArray[np.bool_] = self.low < 0
        return leaves

    def parents(self) -> I32:
        """The context that each was split off: int32, shape (n,); -1 for the root."""
        parent = np.full(self.n_contexts, -1, np.int32)
        inner = np.flatnonzero(~self.leaf)
        parent[self.low[inner]] = parent[self.high[inner]] = inner
        return parent

    def remapped(self, literals: I32) -> "ControlTree":
        """The tree over another diagram: see `bsdgen.learn.ledger.Ledger.remapped`."""
        return replace(self, guard=moved(self.guard, literals), literal=moved(self.literal, literals))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, as they are saved with a model."""
        return {_PREFIX + item.name: getattr(self, item.name) for item in fields(self)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "ControlTree | None":
        """The tree that is among a model's arrays; None if there is none."""
        names = [item.name for item in fields(ControlTree)]
        if any(_PREFIX + name not in arrays for name in names):
            return None
        return ControlTree(**{name: arrays[_PREFIX + name] for name in names})
