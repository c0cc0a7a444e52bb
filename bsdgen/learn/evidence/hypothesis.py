"""What the rows say, as one function: the control tree with its explanations as a diagram, and as an oracle.

Where an output is cared for on no row of a context, nothing is claimed: the hypothesis does not care there,
and gives what takes fewest decisions (`bsdgen.learn.evidence.selection`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd, Builder
from bsdgen.bsd.cones import Cones
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.selection import MOST_CONTEXTS, UNCARED, Choice, as_grown, choices
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.hint import Hint

_GUESS = 0  # of an output that nothing cares for


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A function of all inputs that agrees with the rows, as an oracle (`bsdgen.oracle.protocol`).

    Attributes
    ----------
    n_inputs, n_outputs : bits.
    values : a diagram with a root an output.
    both : values and care, each padded to whole words.
    cones : those of `values`.
    tree : the contexts told apart.
    """

    n_inputs: int
    n_outputs: int
    values: Bsd
    both: Bsd
    cones: Cones
    tree: tuple[Choice, ...]

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Outputs and care of packed rows; see `bsdgen.oracle.protocol.Oracle.query`."""
        joined = self.both.evaluate(inputs)
        w = n_words(self.n_outputs)
        return np.ascontiguousarray(joined[:, :w]), np.ascontiguousarray(joined[:, w:])

    def query_outputs(self, inputs: U64, k: int, outputs: NDArray[np.int64]) -> U64:
        """One output for each `k` rows; see `bsdgen.oracle.protocol.Selective.query_outputs`."""
        return self.cones.evaluate(inputs, k, outputs)

    def hints(self) -> dict[bytes, Hint]:
        """How to split cubes into the contexts: see `bsdgen.learn.BsdLearner.fit`."""
        found = {}
        for choice in self.tree:
            if 0 <= choice.guard < self.n_inputs and all(g < self.n_inputs for g, _ in choice.path):
                mask, value = sum(1 << g for g, _ in choice.path), sum(v << g for g, v in choice.path)
                size = 8 * n_words(self.n_inputs)
                found[mask.to_bytes(size, "little") + value.to_bytes(size, "little")] = Hint(
                    choice.guard, choice.sure
                )
        return found


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
    leaves = [at for at, node in enumerate(nodes) if node.is_leaf]
    labels = np.array(
        [[known[at].get(o, UNCARED) if cared[at, o] else UNCARED for o in range(n_outputs)] for at in leaves],
        np.int64,
    )
    paths = [dict(nodes[at].path) for at in leaves]
    if len(leaves) > MOST_CONTEXTS:
        tree = as_grown(nodes, dict(zip(leaves, map(tuple, labels.tolist()), strict=True)))
    else:
        uncared = _uncared(definitions, [cares[at] for at in leaves], {g for path in paths for g in path})
        tree = choices(paths, labels, uncared, definitions)
    values, wanted = [], []
    for output in range(n_outputs):
        value: list[int | None] = [None] * len(tree)
        for i in range(len(tree) - 1, -1, -1):
            choice = tree[i]
            if choice.guard < 0:
                definition = choice.definitions[output]
                value[i] = None if definition == UNCARED else literal[definition]
                continue
            low, high = value[choice.low], value[choice.high]
            if low is None or high is None:
                value[i] = high if low is None else low
            else:
                value[i] = builder.ite(literal[choice.guard], high, low)
        values.append(_GUESS if value[0] is None else value[0])
        care = [0] * len(nodes)
        for at in range(len(nodes) - 1, -1, -1):
            node = nodes[at]
            if not node.is_leaf:
                care[at] = builder.ite(literal[node.guard], care[node.high], care[node.low])
            else:
                when = cares[at].get(output)
                care[at] = int(cared[at, output]) if when is None else literal[when]
        wanted.append(care[0])
    both, _ = builder.build(values + padding + wanted + padding)
    alone, _ = builder.build(values)
    return Hypothesis(n_inputs, n_outputs, alone, both, Cones.of(alone), tuple(tree))


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


def _uncared(
    definitions: Definitions, cares: Sequence[Mapping[int, int]], guards: set[int]
) -> dict[tuple[int, int], frozenset[tuple[int, int]]]:
    """By context and output, inputs and values that make the definition of its care 0."""
    found: dict[tuple[int, int], frozenset[tuple[int, int]]] = {}
    known: dict[int, frozenset[tuple[int, int]]] = {}
    for context, care in enumerate(cares):
        for output, when in care.items():
            if when not in known:
                support = definitions.support(when)
                none = []
                for guard in guards:
                    if guard < definitions.n_inputs and support >> guard & 1:
                        for value in (0, 1):
                            image = {guard: definitions.constant(value)}
                            rest = definitions.substituted(when, image, {})
                            none += [(guard, value)] if definitions.constant_value(rest) == 0 else []
                known[when] = frozenset(none)
            if known[when]:
                found[context, output] = known[when]
    return found
