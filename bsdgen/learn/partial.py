"""A diagram of what is not finished: what is not known is guessed.

A function that was never expanded, or an output of a context that was never looked into, becomes the constant
or the variable that agrees with it on most rows of the bank; an output also a function that is known to the
end, if that agrees much better.
"""

from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.assemble import CycleFound, Unexpanded, reached, topological
from bsdgen.learn.functions import UNEXPANDED, FunctionTable, free_variables
from bsdgen.learn.layers import Memory
from bsdgen.learn.queries import Queries
from bsdgen.learn.tree import DONT_CARE, TreeNode

_ROWS = 512  # of the bank, on which outputs of open contexts are guessed
_MARGIN = 0.1  # by which a function must agree better than a constant or a variable: many are tried


@dataclass(frozen=True, eq=False)
class Source:
    """Where answers on the bank come from."""

    queries: Queries
    memory: Memory
    bank: U64


def discard(table: FunctionTable, tree: list[TreeNode], size: int) -> None:
    """Drop the functions from id `size` on, left behind by a stopped expansion, and what refers to them."""
    for index in range(1 + table.n_inputs, min(size, len(table))):
        function = table.at(index)
        if function.variable != UNEXPANDED and max(function.low, function.high) >> 1 >= size:
            function.variable, function.low, function.high = UNEXPANDED, 0, 0
    for node in tree:
        if node.guard >> 1 >= size:
            node.guard, node.low, node.high = 0, -1, -1
        node.known = {o: e for o, e in node.known.items() if e == DONT_CARE or e >> 1 < size}
    if size < len(table):
        table.forget(size)


def unexpanded(table: FunctionTable, roots: list[int]) -> list[int]:
    """Ids reached from `roots` that are not expanded; a function that leads back to itself is made so."""
    while True:
        try:
            topological(table, roots)
        except Unexpanded as left:
            return left.ids
        except CycleFound as found:
            function = table.at(found.path[-1][0])
            function.variable, function.low, function.high = UNEXPANDED, 0, 0
        else:
            return []


def close(source: Source, table: FunctionTable, tree: list[TreeNode]) -> list[int]:
    """Guess what the tree lacks, so that it can be assembled; returns the ids of guessed functions."""
    _close_contexts(source, table, tree)
    guessed: list[int] = []
    while ids := unexpanded(table, reached(tree)):
        guessed += ids
        functions = [table.at(i) for i in ids]
        signatures = source.memory.signatures(
            source.queries,
            source.bank,
            np.array([f.output for f in functions], np.int64),
            np.array([f.mask for f in functions]),
            np.array([f.value for f in functions]),
        )
        planes = source.queries.planes(source.bank, table.n_inputs)
        literals, _ = _nearest(signatures, planes)
        for function, literal in zip(functions, literals, strict=True):
            # a node without a decision: both cofactors are the guess
            free = free_variables(function.mask, table.n_inputs)
            function.variable = int(free[0]) if free.shape[0] else 0
            function.low = function.high = int(literal) ^ int(function.complement)
    return guessed


def _close_contexts(source: Source, table: FunctionTable, tree: list[TreeNode]) -> None:
    """Give the outputs of contexts that were not finished a literal each."""
    rows = source.bank[:_ROWS]
    blocks = rows.shape[0] // 64
    planes = source.queries.planes(rows, table.n_inputs)
    ids, known = _finished(table, reached(tree), blocks)
    for node in tree:
        if node.low >= 0:
            continue
        left = np.array([o for o in node.context.outputs if int(o) not in node.known], np.int64)
        if not left.shape[0]:
            continue
        values, care = source.queries.all_outputs(rows, node.context.mask, node.context.value)
        literals, agreeing = _nearest(values[left], planes)
        if ids.shape[0]:
            others, others_agreeing = _nearest(values[left], known)
            better = others_agreeing > agreeing + _MARGIN * 64 * blocks
            # the first variable's literal is 2: functions are counted in the same way
            literals = np.where(better & (others > 1), 2 * ids[(others >> 1) - 1] ^ (others & 1), literals)
        for output, literal in zip(left, literals, strict=True):
            node.known[int(output)] = int(literal) if care[output].any() else DONT_CARE


def _finished(table: FunctionTable, roots: list[int], blocks: int) -> tuple[np.ndarray, U64]:
    """Functions known to the end: ids, and the first `blocks` of their signatures."""
    missing = set(unexpanded(table, roots))
    usable: list[int] = []
    planes: list[U64] = []
    open_ids = set(missing)
    for index in _children_first(table, roots):
        function = table.at(index)
        if index in missing or function.low >> 1 in open_ids or function.high >> 1 in open_ids:
            open_ids.add(index)
            continue
        signature = table.signature(index)
        if signature is not None:
            usable.append(index)
            planes.append(signature[:blocks])
    if not usable:
        return np.zeros(0, np.int64), np.zeros((0, blocks), np.uint64)
    return np.array(usable, np.int64), np.array(planes)


def _children_first(table: FunctionTable, roots: list[int]) -> list[int]:
    """Ids reached from `roots`, cofactors before functions, not expanded ones included."""
    order: list[int] = []
    seen: set[int] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            index, done = stack.pop()
            if done:
                order.append(index)
                continue
            if index in seen or index <= table.n_inputs:
                continue
            seen.add(index)
            stack.append((index, True))
            function = table.at(index)
            if function.variable != UNEXPANDED:
                stack += [(function.low >> 1, False), (function.high >> 1, False)]
    return order


def _nearest(values: U64, planes: U64) -> tuple[np.ndarray, np.ndarray]:
    """The constant or plane that agrees with each of `values` most: literals, and on how many rows.

    values (o, b), planes (v, b); plane v has the literal ``2 * (v + 1)``, the constants 0 and 1. Ties go to
    the constant, then to the first plane.
    """
    n_rows = 64 * values.shape[1]
    literals = np.zeros(values.shape[0], np.int64)
    best = np.zeros(values.shape[0], np.int64)
    for i, word in enumerate(values):
        ones = np.bitwise_count(word).sum(dtype=np.int64)
        unlike = np.concatenate([[ones], np.bitwise_count(planes ^ word).sum(axis=1, dtype=np.int64)])
        like = np.stack([n_rows - unlike, unlike], axis=1).ravel()
        literals[i] = int(np.argmax(like))
        best[i] = like[literals[i]]
    return literals, best
