"""One model under inspection: what every view needs of it, computed once."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, to_bool
from bsdgen.bsd.distance import I64, reaching
from bsdgen.bsd.literals import I32
from bsdgen.errors import InputError
from bsdgen.inspect.names import Names
from bsdgen.learn.control import ControlTree
from bsdgen.learn.ledger import Ledger
from bsdgen.model import Model


class Inspection:
    """A model with what its views share.

    Attributes
    ----------
    model, bsd, names : the model, its diagram, texts for its bits.
    ledger, tree : what was saved with it; None for a model of an earlier bsdgen.
    first : index of the first node.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.bsd = model.bsd
        self.names = Names(model.schema)
        self.ledger = Ledger.from_arrays(model.extra)
        self.tree = ControlTree.from_arrays(model.extra)
        self.first = 1 + model.bsd.n_inputs

    @cached_property
    def supports(self) -> NDArray[np.bool_]:
        """Structural support by index: bool, shape (1 + n_inputs + n_nodes, n_inputs)."""
        return self.bsd.supports()

    @cached_property
    def outputs_above(self) -> U64:
        """Outputs that depend on each index, packed."""
        return reaching(self.bsd, self.bsd.roots)

    @cached_property
    def guard_uses(self) -> I64:
        """Nodes that test each index."""
        return np.bincount(self.bsd.guard >> 1, minlength=self.first + self.bsd.n_nodes)

    @cached_property
    def branch_uses(self) -> I64:
        """Low and high edges and roots that lead to each index."""
        ends = np.concatenate([self.bsd.low, self.bsd.high, self.bsd.roots])
        return np.bincount(ends >> 1, minlength=self.first + self.bsd.n_nodes)

    @cached_property
    def context_members(self) -> NDArray[np.bool_]:
        """Which contexts each index serves: bool, shape (1 + n_inputs + n_nodes, n_contexts)."""
        tree = self.needed_tree()
        here = tree.literal >= 0
        literals, places = [tree.literal[here]], [tree.entry_context[here].astype(np.int64)]
        inner = np.flatnonzero(~tree.leaf & (tree.guard >= 0))
        literals.append(tree.guard[inner])
        places.append(inner)
        reach = reaching(self.bsd, np.concatenate(literals), np.concatenate(places))
        members = to_bool(reach, tree.n_contexts)
        # a function that its halves only make together with other contexts is no node of its own
        for at in inner[::-1].tolist():
            members[:, at] |= members[:, tree.low[at]] | members[:, tree.high[at]]
        return members

    def needed_tree(self) -> ControlTree:
        """The control tree.

        Raises
        ------
        InputError
            The model has none.
        """
        if self.tree is None:
            raise InputError(
                "the model was learned by an earlier bsdgen and holds no control tree; learn it anew, or "
                "leave --contexts out"
            )
        return self.tree

    def needed_ledger(self) -> Ledger:
        """The ledger.

        Raises
        ------
        InputError
            The model has none.
        """
        if self.ledger is None:
            raise InputError(
                "the model was learned by an earlier bsdgen and holds no ledger of its speculations; learn "
                "it anew, or leave --recheck out"
            )
        return self.ledger

    def outputs_of(self, index: int) -> list[int]:
        """Positions of the outputs that depend on an index."""
        row = to_bool(self.outputs_above[index : index + 1], self.bsd.n_outputs)[0]
        return [int(position) for position in np.flatnonzero(row)]

    def cone(self, literals: I32) -> I32:
        """Indices of the nodes below some literals, themselves included, in ascending order."""
        reach = reaching(self.bsd, literals, np.zeros(literals.shape[0], np.int64))
        return (np.flatnonzero(reach[self.first :, 0]) + self.first).astype(np.int32)
