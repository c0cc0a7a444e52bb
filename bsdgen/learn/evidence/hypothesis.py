"""What the rows say, as one function: the control tree with its explanations as a diagram, and as an oracle.

Where an output is cared for on no row of a context, nothing is claimed: the hypothesis does not care there,
and gives the value of the nearest context that does, so that no node is spent on the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd, Builder
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.tree import Node

_GUESS = 0  # of an output that nothing cares for


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A function of all inputs that agrees with the rows, as an oracle (`bsdgen.oracle.protocol`).

    Attributes
    ----------
    n_inputs, n_outputs : bits.
    values : a diagram with a root an output.
    both : values and care, each padded to whole words.
    """

    n_inputs: int
    n_outputs: int
    values: Bsd
    both: Bsd

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Outputs and care of packed rows; see `bsdgen.oracle.protocol.Oracle.query`."""
        joined = self.both.evaluate(inputs)
        w = n_words(self.n_outputs)
        return np.ascontiguousarray(joined[:, :w]), np.ascontiguousarray(joined[:, w:])


def hypothesis(
    nodes: Sequence[Node],
    known: Sequence[dict[int, int]],
    cares: Sequence[dict[int, int]],
    definitions: Definitions,
    n_inputs: int,
    n_outputs: int,
) -> Hypothesis:
    """The function of a tree.

    Parameters
    ----------
    nodes : parents before children.
    known : by node, definitions of outputs; of leaves.
    cares : by node, definitions of when an output is cared for; wherever its rows are, for others.
    """
    builder = Builder(n_inputs)
    literal = _literals(builder, definitions, nodes, [*known, *cares])
    cared = _cared(nodes, n_outputs)
    padding = [0] * (64 * n_words(n_outputs) - n_outputs)
    values, wanted = [], []
    for output in range(n_outputs):
        value: dict[int, int] = {}
        care: dict[int, int] = {}
        for at in range(len(nodes) - 1, -1, -1):
            node = nodes[at]
            if node.is_leaf:
                definition = known[at].get(output)
                value[at] = literal[definition] if definition is not None else _GUESS
                when = cares[at].get(output)
                care[at] = int(cared[at, output]) if when is None else literal[when]
                continue
            guard = literal[node.guard]
            care[at] = builder.ite(guard, care[node.high], care[node.low])
            if not cared[node.low, output]:
                value[at] = value[node.high]
            elif not cared[node.high, output]:
                value[at] = value[node.low]
            else:
                value[at] = builder.ite(guard, value[node.high], value[node.low])
        values.append(value[0])
        wanted.append(care[0])
    both, _ = builder.build(values + padding + wanted + padding)
    return Hypothesis(n_inputs, n_outputs, builder.build(values)[0], both)


def _cared(nodes: Sequence[Node], n_outputs: int) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    cared = np.zeros((len(nodes), n_outputs), np.bool_)
    for at in range(len(nodes) - 1, -1, -1):
        node = nodes[at]
        if node.is_leaf:
            cared[at, : node.cared.size] = node.cared
        else:
            cared[at] = cared[node.low] | cared[node.high]
    return cared


def _literals(
    builder: Builder, definitions: Definitions, nodes: Sequence[Node], tables: Sequence[dict[int, int]]
) -> dict[int, int]:
    """Literals of all definitions that guards and leaves need, and of the inputs."""
    roots = [node.guard for node in nodes if not node.is_leaf]
    roots += [definition for table in tables for definition in table.values()]
    literal = {v: builder.variable(v) for v in range(builder.n_inputs)}
    for number in definitions.reached(roots):
        features = definitions.features[number - definitions.n_inputs]
        cells = [int(value) for value in definitions.tables[number - definitions.n_inputs]]
        for feature in features:
            cells = [
                builder.ite(literal[feature], cells[2 * i + 1], cells[2 * i]) for i in range(len(cells) // 2)
            ]
        literal[number] = cells[0]
    return literal
