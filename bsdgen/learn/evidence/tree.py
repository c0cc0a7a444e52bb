"""The control tree over rows: nodes, and how they are split."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import Explanation, RowContext

I32 = NDArray[np.int32]


@dataclass(eq=False)
class Node:
    """A context of the tree.

    Attributes
    ----------
    rows : its rows, ascending.
    explanations : by output.
    path : (guard, value) from the root on; a guard is an input or a definition.
    guard : what it is split on, -1 for a leaf.
    low, high : numbers of its halves.
    why : why outputs are left open, for people.
    forced : whether it was split off by a forced split.
    exceptional : whether it was split off to tell an exception: there exceptions are looked for first.
    cared : bool, shape (n_outputs,): outputs that some of its rows care for; empty as long as it is new.
    resolved : definitions of its explained outputs, once they were asked for.
    """

    rows: I32
    explanations: dict[int, Explanation]
    path: tuple[tuple[int, int], ...] = ()
    guard: int = -1
    low: int = -1
    high: int = -1
    why: str = ""
    forced: bool = False
    exceptional: bool = False
    cared: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    resolved: dict[int, int] | None = None

    @property
    def is_leaf(self) -> bool:
        """Whether it is not split."""
        return self.guard < 0


def halves(
    node: Node, context: RowContext, guard: int, high: NDArray[np.bool_], forced: bool
) -> tuple[Node, Node]:
    """The two nodes that a node is split into; what is explained stays so."""
    return (
        Node(node.rows[~high], dict(context.explanations), (*node.path, (guard, 0)), forced=forced),
        Node(node.rows[high], dict(context.explanations), (*node.path, (guard, 1)), forced=forced),
    )
