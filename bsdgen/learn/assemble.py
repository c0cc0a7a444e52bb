"""From tree and table to a diagram."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd, Builder
from bsdgen.learn.functions import UNEXPANDED, FunctionTable
from bsdgen.learn.tree import DONT_CARE, TreeNode


class CycleFound(Exception):
    """A function leads back to itself: one of its cofactors was merged wrongly.

    The last edge of the cycle is branch `branch` of function `index`.
    """

    def __init__(self, index: int, branch: int) -> None:
        super().__init__("a merge makes a cycle")
        self.index = index
        self.branch = branch


class Unexpanded(Exception):
    """Functions that are reached but were never expanded."""

    def __init__(self, ids: list[int]) -> None:
        super().__init__(f"{len(ids)} functions are not expanded")
        self.ids = ids


@dataclass(frozen=True, eq=False)
class Assembly:
    """A diagram and, for each of its nodes that stands for a function of the table, that function.

    cube_mask, cube_value (n_nodes, w), output (n_nodes,) -1 where a node only joins contexts; merges
    (n_nodes,) times that another cube was speculated to be the same function.
    """

    bsd: Bsd
    cube_mask: U64
    cube_value: U64
    output: NDArray[np.int32]
    merges: NDArray[np.int32]


def reached(tree: list[TreeNode]) -> list[int]:
    """Function ids that the tree refers to."""
    ids = {literal >> 1 for node in tree for literal in node.known.values() if literal != DONT_CARE}
    return sorted(ids | {node.guard >> 1 for node in tree})


def topological(table: FunctionTable, roots: list[int]) -> list[int]:
    """Ids reached from `roots`, cofactors before functions; without recursion.

    Raises
    ------
    CycleFound, Unexpanded
    """
    order: list[int] = []
    state: dict[int, int] = {}  # 1: on the way, 2: done
    missing: list[int] = []
    for root in roots:
        stack = [(root, -1, 0)]
        while stack:
            index, parent, branch = stack.pop()
            function = table.functions[index]
            if function is None:
                continue
            if parent == -2:
                state[index] = 2
                order.append(index)
                continue
            if state.get(index) == 2:
                continue
            if state.get(index) == 1:
                raise CycleFound(parent, branch)
            if function.variable == UNEXPANDED:
                missing.append(index)
                state[index] = 2
                continue
            state[index] = 1
            stack.append((index, -2, 0))
            stack.append((function.low >> 1, index, 0))
            stack.append((function.high >> 1, index, 1))
    if missing:
        raise Unexpanded(missing)
    return order


def assemble(table: FunctionTable, tree: list[TreeNode], n_outputs: int, w_in: int) -> Assembly:
    """The reduced diagram of all outputs."""
    builder = Builder(table.n_inputs)
    literal = {i: 2 * i for i in range(1 + table.n_inputs)}

    def of(edge: int) -> int:
        return literal[edge >> 1] ^ (edge & 1)

    stands_for: dict[int, int] = {}
    for index in topological(table, reached(tree)):
        function = table.at(index)
        made = builder.ite(builder.variable(function.variable), of(function.high), of(function.low))
        literal[index] = made
        stands_for.setdefault(made >> 1, index)
    values: list[dict[int, int]] = [{} for _ in tree]
    for at in range(len(tree) - 1, -1, -1):
        node = tree[at]
        values[at] = {o: (DONT_CARE if e == DONT_CARE else of(e)) for o, e in node.known.items()}
        if node.low >= 0:
            low, high = values[node.low], values[node.high]
            guard = of(node.guard)
            for output in low:
                if output in values[at]:
                    continue
                lo, hi = low[output], high[output]
                if DONT_CARE in (lo, hi):
                    values[at][output] = hi if lo == DONT_CARE else lo
                else:
                    values[at][output] = builder.ite(guard, hi, lo)
    roots = [max(values[0][output], 0) for output in range(n_outputs)]
    bsd, new_index = builder.build(roots)
    return _annotate(table, bsd, {new_index[i]: f for i, f in stands_for.items() if i in new_index}, w_in)


def _annotate(table: FunctionTable, bsd: Bsd, functions: dict[int, int], w_in: int) -> Assembly:
    n, first = bsd.n_nodes, 1 + bsd.n_inputs
    mask, value = np.zeros((n, w_in), np.uint64), np.zeros((n, w_in), np.uint64)
    output, merges = np.full(n, -1, np.int32), np.zeros(n, np.int32)
    for node, index in functions.items():
        if node >= first:
            function = table.at(index)
            mask[node - first], value[node - first] = function.mask, function.value
            output[node - first], merges[node - first] = function.output, function.merges
    return Assembly(bsd, mask, value, output, merges)
