"""Structure of a diagram: levels, cones, and what its nodes test."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32
from bsdgen.model import Model


@dataclass(frozen=True)
class FieldSize:
    """Nodes in the cone of one output field; `own` of them serve no other field."""

    name: str
    width: int
    nodes: int
    own: int


@dataclass(frozen=True, eq=False)
class Structure:
    """What the report says of a diagram's shape.

    Attributes
    ----------
    level : int32, shape (1 + n_inputs + n_nodes,)
        Longest path down to a variable or constant, by index; 0 for those.
    profile : decision nodes at each level, from level 1 up.
    fields : cones by output field.
    guard_uses : int64, by index: the nodes whose guard it is.
    branch_uses : int64, by index: the nodes whose low or high edge leads to it.
    function_guards : nodes whose guard is another node, not a variable.
    """

    level: I32
    profile: list[int]
    fields: tuple[FieldSize, ...]
    guard_uses: NDArray[np.int64]
    branch_uses: NDArray[np.int64]
    function_guards: int

    @property
    def n_levels(self) -> int:
        """Levels with decision nodes."""
        return len(self.profile)


def diagram_graph(bsd: Bsd) -> nx.DiGraph:
    """Build the graph of a diagram: indices as names, an edge from each node to every index that it uses."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(1 + bsd.n_inputs + bsd.n_nodes))
    own = np.arange(bsd.n_nodes) + 1 + bsd.n_inputs
    for array in (bsd.guard, bsd.low, bsd.high):
        graph.add_edges_from(zip(own.tolist(), (array >> 1).tolist(), strict=True))
    return graph


def analyse(model: Model) -> Structure:
    """Measure a model's diagram; linear in nodes times output fields."""
    bsd = model.bsd
    first = 1 + bsd.n_inputs
    graph = diagram_graph(bsd)
    level = np.zeros(first + bsd.n_nodes, np.int32)
    for depth, generation in enumerate(nx.topological_generations(graph.reverse(copy=False))):
        level[list(generation)] = depth
    profile = np.bincount(level[first:], minlength=1)[1:].tolist() if bsd.n_nodes else []
    guard_uses = np.bincount(bsd.guard >> 1, minlength=first + bsd.n_nodes)
    return Structure(
        level=level,
        profile=profile,
        fields=_field_sizes(model, graph),
        guard_uses=guard_uses,
        branch_uses=np.bincount(np.concatenate([bsd.low, bsd.high]) >> 1, minlength=first + bsd.n_nodes),
        function_guards=int(np.count_nonzero(bsd.guard >> 1 >= first)),
    )


def _field_sizes(model: Model, graph: nx.DiGraph) -> tuple[FieldSize, ...]:
    first = 1 + model.bsd.n_inputs
    cones: list[set[int]] = []
    at = 0
    for field in model.schema.outputs:
        cone: set[int] = set()
        for root in {int(literal) >> 1 for literal in model.bsd.roots[at : at + field.width]}:
            if root not in cone:  # a root inside another's cone adds nothing
                cone |= nx.descendants(graph, root) | {root}
        cones.append({index for index in cone if index >= first})
        at += field.width
    uses: dict[int, int] = {}
    for cone in cones:
        for index in cone:
            uses[index] = uses.get(index, 0) + 1
    return tuple(
        FieldSize(field.name, field.width, len(cone), sum(uses[index] == 1 for index in cone))
        for field, cone in zip(model.schema.outputs, cones, strict=True)
    )
