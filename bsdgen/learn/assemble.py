"""From tree and table to a diagram."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd, Builder
from bsdgen.bsd.literals import I32
from bsdgen.learn import control
from bsdgen.learn.control import GONE, ControlTree
from bsdgen.learn.functions import UNEXPANDED, FunctionTable
from bsdgen.learn.tree import DONT_CARE, TreeNode


class CycleFound(Exception):
    """A function leads back to itself: one of its cofactors was merged wrongly.

    path : functions of the cycle and the branches that lead on, the last one to the first function.
    """

    def __init__(self, path: list[tuple[int, int]]) -> None:
        super().__init__("a merge makes a cycle")
        self.path = path


class Unexpanded(Exception):
    """Functions that are reached but were never expanded."""

    def __init__(self, ids: list[int]) -> None:
        super().__init__(f"{len(ids)} functions are not expanded")
        self.ids = ids


@dataclass(frozen=True, eq=False)
class Functions:
    """The functions that a diagram was made of, cofactors before functions (f of them).

    Attributes
    ----------
    index : int32, shape (f,)
        Id in the function table.
    output, mask, value : int32, shape (f,); uint64, shape (f, w) twice
        The output bit and the cube that stand for the function.
    variable : int32, shape (f,)
        What it is expanded on.
    cofactors : int32, shape (f, 2)
        What that output is in the cube where the variable is 0 and where it is 1: literals of the table.
    literal : int32, shape (f,)
        What that output is in the cube: literal of the diagram, `GONE` if no node is it.
    """

    index: I32
    output: I32
    mask: U64
    value: U64
    variable: I32
    cofactors: I32
    literal: I32

    def edges(self) -> tuple[I32, U64, U64]:
        """Output bit and cube of every cofactor, low before high: (2 f,), (2 f, w), (2 f, w)."""
        at, word = np.arange(self.index.shape[0]), self.variable >> 6
        bit = np.uint64(1) << (self.variable & 63).astype(np.uint64)
        mask, high = self.mask.copy(), self.value.copy()
        mask[at, word] |= bit
        high[at, word] |= bit
        value = np.stack([self.value, high], axis=1).reshape(2 * at.shape[0], self.mask.shape[1])
        return np.repeat(self.output, 2), np.repeat(mask, 2, axis=0), value


@dataclass(frozen=True, eq=False)
class Assembly:
    """A diagram and what its nodes stand for.

    Attributes
    ----------
    bsd : the reduced diagram of all outputs.
    functions : the functions that it was made of.
    literals : int32, shape (len(table),)
        Literal of each function of the table by id, `GONE` if no node is it.
    tree : the control tree over `bsd`.
    """

    bsd: Bsd
    functions: Functions
    literals: I32
    tree: ControlTree

    def of(self, edges: I32) -> I32:
        """Literals of the diagram of literals of the table."""
        literal = self.literals[edges >> 1]
        return np.where(literal < 0, GONE, literal ^ (edges & 1)).astype(np.int32)


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
    came: dict[int, tuple[int, int]] = {}  # from which function and branch
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
                raise CycleFound(_path(came, index, parent, branch))
            if function.variable == UNEXPANDED:
                missing.append(index)
                state[index] = 2
                continue
            state[index] = 1
            came[index] = parent, branch
            stack.append((index, -2, 0))
            stack.append((function.low >> 1, index, 0))
            stack.append((function.high >> 1, index, 1))
    if missing:
        raise Unexpanded(missing)
    return order


def _path(came: dict[int, tuple[int, int]], first: int, last: int, branch: int) -> list[tuple[int, int]]:
    """The cycle from `first` to `last`, of which `branch` leads back."""
    path = [(last, branch)]
    while path[-1][0] != first:
        path.append(came[path[-1][0]])
    return path[::-1]


def assemble(table: FunctionTable, tree: list[TreeNode], n_outputs: int, w_in: int) -> Assembly:
    """The reduced diagram of all outputs."""
    builder = Builder(table.n_inputs)
    made = {i: 2 * i for i in range(1 + table.n_inputs)}

    def of(edge: int) -> int:
        return made[edge >> 1] ^ (edge & 1)

    order = topological(table, reached(tree))
    for index in order:
        function = table.at(index)
        made[index] = builder.ite(builder.variable(function.variable), of(function.high), of(function.low))
    values = _join(builder, tree, made)
    roots = [max(values[0][output], 0) for output in range(n_outputs)]
    bsd, new_index = builder.build(roots)

    def final(literal: int) -> int:
        at = new_index.get(literal >> 1, GONE)
        return GONE if at == GONE else 2 * at ^ (literal & 1)

    literals = np.full(len(table), GONE, np.int32)
    for index, literal in made.items():
        literals[index] = final(literal)
    return Assembly(
        bsd,
        _functions(table, order, literals, w_in),
        literals,
        ControlTree(
            guard=np.array([final(of(node.guard)) for node in tree], np.int32),
            low=np.array([node.low for node in tree], np.int32),
            high=np.array([node.high for node in tree], np.int32),
            mask=np.array([node.context.mask for node in tree], np.uint64),
            value=np.array([node.context.value for node in tree], np.uint64),
            **_entries(tree, values, final),
        ),
    )


def _join(builder: Builder, tree: list[TreeNode], made: dict[int, int]) -> list[dict[int, int]]:
    """What each output is in each context: the builder's literal, or `DONT_CARE`."""
    values: list[dict[int, int]] = [{} for _ in tree]
    for at in range(len(tree) - 1, -1, -1):
        node = tree[at]
        values[at] = {
            o: DONT_CARE if e == DONT_CARE else made[e >> 1] ^ (e & 1) for o, e in node.known.items()
        }
        if node.low < 0:
            continue
        low, high = values[node.low], values[node.high]
        guard = made[node.guard >> 1] ^ (node.guard & 1)
        for output in low:
            if output in values[at]:
                continue
            lo, hi = low[output], high[output]
            if DONT_CARE in (lo, hi):
                values[at][output] = hi if lo == DONT_CARE else lo
            else:
                values[at][output] = builder.ite(guard, hi, lo)
    return values


def _functions(table: FunctionTable, order: list[int], literals: I32, w_in: int) -> Functions:
    functions = [table.at(index) for index in order]
    complement = np.array([f.complement for f in functions], np.int32)
    index = np.array(order, np.int32)
    literal = literals[index]
    return Functions(
        index=index,
        output=np.array([f.output for f in functions], np.int32),
        mask=np.array([f.mask for f in functions], np.uint64).reshape(len(order), w_in),
        value=np.array([f.value for f in functions], np.uint64).reshape(len(order), w_in),
        variable=np.array([f.variable for f in functions], np.int32),
        cofactors=np.array([[f.low, f.high] for f in functions], np.int32).reshape(-1, 2)
        ^ complement[:, None],
        literal=np.where(literal < 0, GONE, literal ^ complement).astype(np.int32),
    )


def _entries(
    tree: list[TreeNode], values: list[dict[int, int]], final: Callable[[int], int]
) -> dict[str, NDArray[Any]]:
    """The entries of `ControlTree`."""
    rows = [
        (at, output, control.DONT_CARE if literal == DONT_CARE else final(literal), output in tree[at].known)
        for at, of_context in enumerate(values)
        for output, literal in of_context.items()
    ]
    table = np.array(rows, np.int32).reshape(-1, 4)
    return {
        "entry_context": table[:, 0].copy(),
        "entry_output": table[:, 1].copy(),
        "literal": table[:, 2].copy(),
        "settled": table[:, 3].astype(np.bool_),
    }
