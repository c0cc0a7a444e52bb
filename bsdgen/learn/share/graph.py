"""A diagram that can grow: what the passes over a finished diagram work on.

Literals are those of `bsdgen.bsd.diagram`; supports are Python integers used as bit sets, bit v for variable
v.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd, Builder
from bsdgen.learn.kernels import cones as kernel

I64 = NDArray[np.int64]
_MOST_KEPT = 1 << 16  # bit sets of which the variables are kept


class Graph:
    """Nodes with unique triples, children before parents, and the support of each."""

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.first = 1 + n_inputs
        self.nodes: list[tuple[int, int, int]] = []
        self.supports: list[int] = [0] + [1 << v for v in range(n_inputs)]
        self._unique: dict[tuple[int, int, int], int] = {}
        self._kept: dict[
            tuple[int, int], dict[int, int]
        ] = {}  # cofactors by what is taken for which constant

    @classmethod
    def of(cls, bsd: Bsd) -> tuple["Graph", list[int]]:
        """The graph of a diagram, and the graph's literal of each of the diagram's indices."""
        graph = cls(bsd.n_inputs)
        literals = list(range(0, 2 * graph.first, 2))
        for _, *node in bsd.nodes():
            g, lo, hi = (literals[x >> 1] ^ (x & 1) for x in node)
            literals.append(graph.ite(g, hi, lo))
        return graph, literals

    def ite(self, guard: int, high: int, low: int) -> int:
        """Literal of ``ITE(guard, high, low)``, by the rules of `bsdgen.bsd.Builder`."""
        if guard & 1:
            guard, high, low = guard ^ 1, low, high
        if guard == 0:
            return low
        if high >> 1 == guard >> 1:
            high = 1 ^ (high & 1)
        if low >> 1 == guard >> 1:
            low = low & 1
        if high == low:
            return high
        if high >> 1 == 0 and low == high ^ 1:
            return guard ^ low
        complement = high & 1
        key = (guard, high ^ complement, low ^ complement)
        at = self._unique.get(key)
        if at is None:
            at = self.first + len(self.nodes)
            self.nodes.append(key)
            self._unique[key] = at
            supports = self.supports
            supports.append(supports[guard >> 1] | supports[high >> 1] | supports[low >> 1])
        return 2 * at ^ complement

    def support(self, literal: int) -> int:
        """Variables below a literal, as a bit set."""
        return self.supports[literal >> 1]

    def union(self, literals: Iterable[int]) -> int:
        """Variables below any of the literals."""
        out = 0
        for literal in literals:
            out |= self.supports[literal >> 1]
        return out

    def cone(self, literals: Iterable[int]) -> list[int]:
        """Indices of the nodes below literals, children before parents."""
        first, nodes = self.first, self.nodes
        seen: set[int] = set()
        stack = [literal >> 1 for literal in literals]
        while stack:
            index = stack.pop()
            if index < first or index in seen:
                continue
            seen.add(index)
            g, h, lo = nodes[index - first]
            stack += (g >> 1, h >> 1, lo >> 1)
        return sorted(seen)

    def compose(self, literals: Sequence[int], inputs: Mapping[int, int], into: "Graph") -> list[int]:
        """The functions with variables replaced, see `composed`."""
        made = self.composed(literals, inputs, into)
        return [made[literal >> 1] ^ (literal & 1) for literal in literals]

    def cofactors(self, literals: Sequence[int], guard: int, bit: int) -> list[int]:
        """The functions, in this graph, with a variable's or a node's literal taken for a constant.

        What is found is kept, for the same is asked again and again.
        """
        at, bit = guard >> 1, bit ^ (guard & 1)
        made = self._kept.setdefault((at, bit), {at: bit})
        supports, below = self.supports, self.supports[at]
        stack = [literal >> 1 for literal in literals]
        while stack:
            index = stack[-1]
            if index in made:
                stack.pop()
                continue
            if index < at or below & ~supports[index]:  # the guard is not in its cone
                made[index] = 2 * index
                stack.pop()
                continue
            triple = self.nodes[index - self.first]
            missing = [x >> 1 for x in triple if x >> 1 not in made]
            if missing:
                stack += missing
                continue
            stack.pop()
            g, h, lo = (made[x >> 1] ^ (x & 1) for x in triple)
            made[index] = self.ite(g, h, lo)
        return [made[literal >> 1] ^ (literal & 1) for literal in literals]

    def composed(
        self,
        literals: Sequence[int],
        inputs: Mapping[int, int],
        into: "Graph",
    ) -> dict[int, int]:
        """All functions of a cone with variables replaced: literal of `into` by index.

        Parameters
        ----------
        inputs : literal of `into` by variable; a variable that is not named stays itself.
        into : where the new nodes are made; may be this graph.
        """
        made = {0: 0} | {v + 1: inputs.get(v, 2 * (v + 1)) for v in range(self.n_inputs)}
        for index in self.cone(literals):
            g, h, lo = self.nodes[index - self.first]
            made[index] = into.ite(made[g >> 1] ^ (g & 1), made[h >> 1] ^ (h & 1), made[lo >> 1] ^ (lo & 1))
        return made

    def cost(self, literals: Iterable[int]) -> int:
        """AND gates of the cone, one by one: 1 for a node with a constant child, 3 for any other."""
        return sum(
            1 if h >> 1 == 0 or lo >> 1 == 0 else 3
            for _, h, lo in (self.nodes[index - self.first] for index in self.cone(literals))
        )

    def size(self, literals: Sequence[int]) -> int:
        """Gates, and two more a node: for those who read diagrams a node less is worth a gate or two."""
        return self.cost(literals) + 2 * len(self.cone(literals))

    def to_bsd(self, roots: Sequence[int]) -> tuple[Bsd, dict[int, int]]:
        """The diagram of `roots`, and its literal by index of this graph for all that is in it."""
        builder = Builder(self.n_inputs)
        made = {index: 2 * index for index in range(self.first)}
        for index in self.cone(roots):
            g, h, lo = self.nodes[index - self.first]
            made[index] = builder.ite(
                made[g >> 1] ^ (g & 1), made[h >> 1] ^ (h & 1), made[lo >> 1] ^ (lo & 1)
            )
        bsd, new = builder.build([made[root >> 1] ^ (root & 1) for root in roots])
        return bsd, {
            index: 2 * new[literal >> 1] ^ (literal & 1)
            for index, literal in made.items()
            if literal >> 1 in new
        }


class Evaluator:
    """Some functions of a graph on planes of variables that the caller chooses.

    Attributes
    ----------
    variables : int64, shape (k,)
        What the functions depend on, ascending.
    table, outputs : int64, shapes (3, n_nodes) and (f,)
        Their cone, see `bsdgen.learn.kernels.cones`: guard, high and low of each node; the functions.
    """

    def __init__(self, graph: Graph, literals: Sequence[int]) -> None:
        cone = graph.cone(literals)
        of = variables(graph.union(literals))
        first = 1 + len(of)
        place = {0: 0} | {v + 1: 1 + k for k, v in enumerate(of)}
        place |= {index: first + k for k, index in enumerate(cone)}
        nodes = [graph.nodes[index - graph.first] for index in cone]
        triples = [[2 * place[x >> 1] ^ (x & 1) for x in node] for node in nodes]
        self.n_nodes = len(cone)
        self.variables: I64 = np.array(of, np.int64)
        self.table: I64 = np.ascontiguousarray(np.array(triples, np.int64).reshape(-1, 3).T)
        self.outputs: I64 = np.array([2 * place[x >> 1] ^ (x & 1) for x in literals], np.int64)

    def __call__(self, planes: U64) -> U64:
        """Values of the functions, shape (n, words), from planes of variables, shape (n_inputs, words)."""
        out: U64 = kernel.run(planes, self.variables, self.table, self.outputs)
        return out


def variables(support: int) -> list[int]:
    """Variables of a bit set, ascending."""
    return list(_variables(support))


@lru_cache(_MOST_KEPT)
def _variables(support: int) -> tuple[int, ...]:
    return tuple(at for at, bit in enumerate(bin(support)[:1:-1]) if bit == "1")
