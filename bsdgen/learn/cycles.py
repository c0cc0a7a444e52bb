"""Assembling a diagram although merges make cycles: which merge of a cycle is wrong, and a row that shows it.

A function f that leads back to itself through the cofactors x1 = b1, ..., xk = bk is said to be its own
cofactor, so not to depend on x1; but it was expanded on x1 because some row r shows that it does. One of r
and r with x1 flipped, call it s, therefore has f(s) different from f(s with all the xi set). Between these
two the claims of the cycle can be set one after the other, the last first, and where the value changes the
claim is wrong: a counterexample without any diagram (the search of Rivest and Schapire, Information and
Computation 103, 1993, on a path that never ends).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.assemble import Assembly, CycleFound, Unexpanded, assemble
from bsdgen.learn.blame import Step, differing, edge, given_up
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.layers import Expander
from bsdgen.learn.ledger import Ledger
from bsdgen.learn.queries import Queries
from bsdgen.learn.tree import TreeNode

_CYCLES = 64  # merges that are undone one by one before a round begins anew with what refutes them
_TRIES = 16  # rows on which the first function of the cycle depends on its variable


class Cyclic(Exception):
    """Too many merges make cycles; `rows` (n, w) refute them."""

    def __init__(self, rows: U64) -> None:
        super().__init__(f"{rows.shape[0]} merges make cycles")
        self.rows = rows


@dataclass(frozen=True, eq=False)
class Undone:
    """What a cycle refutes.

    Attributes
    ----------
    edges : (function, branch) of the claims that are wrong.
    record : the same for the ledger.
    rows : uint64, shape (n, w)
        Rows that show it, one an edge; none if no row of the bank shows the dependence (then the last
        edge is undone).
    """

    edges: list[tuple[int, int]]
    record: Ledger
    rows: U64


def assembled(
    expander: Expander, tree: list[TreeNode], bank: U64, number: int, give_up: Callable[[Ledger], None]
) -> tuple[Assembly, int]:
    """The diagram of a tree over the expander's functions, and how many merges were undone for it.

    Parameters
    ----------
    bank : uint64, shape (k, w).
    number : of the round.
    give_up : told the records of merges that are undone.

    Raises
    ------
    Cyclic
        More than 64 rows refute merges: with them in the bank these would not be made.
    """
    table, queries = expander.table, expander.queries
    witnesses: list[U64] = []
    n_undone = 0
    while True:
        try:
            return assemble(table, tree, queries.n_outputs, queries.w_in), n_undone
        except Unexpanded as left:
            functions = [table.at(i) for i in left.ids]
            signatures = expander.memory.signatures(
                queries,
                bank,
                np.array([f.output for f in functions], np.int64),
                np.array([f.mask for f in functions]),
                np.array([f.value for f in functions]),
            )
            expander.expand(left.ids, signatures, b"left over")
        except CycleFound as found:
            wrong = undone(table, found.path, bank, queries, number)
            give_up(wrong.record)
            witnesses.append(wrong.rows)
            if sum(rows.shape[0] for rows in witnesses) > _CYCLES:
                raise Cyclic(np.unique(np.concatenate(witnesses), axis=0)) from found
            for index, branch in wrong.edges:
                expander.separate(index, branch)
                n_undone += 1


def undone(
    table: FunctionTable, path: list[tuple[int, int]], bank: U64, queries: Queries, number: int
) -> Undone:
    """Find the wrong claims of a cycle, in round `number`."""
    starts = _dependent(table, path[0][0], bank, queries)
    rows = np.repeat(starts, len(path), axis=0)
    steps: list[Step] = []
    for start in range(starts.shape[0]):
        row = starts[start].copy()
        for at in range(len(path) - 1, -1, -1):
            index, branch = path[at]
            place = start * len(path) + at
            rows[place] = row
            steps.append(edge(table, index, branch, place))
            word, shift = divmod(table.at(index).variable, 64)
            bit = np.uint64(1 << shift)
            row[word] = row[word] | bit if branch else row[word] & ~bit
    wrong: dict[tuple[int, int], Step] = {}
    for position in differing(steps, table, rows, queries) if steps else []:
        step = steps[position]
        wrong.setdefault(path[step.row % len(path)], step)
    if not wrong:
        return Undone([path[-1]], given_up(table, [edge(table, *path[-1])], number, queries.w_in), rows[:0])
    shown = list(wrong.values())
    return Undone(
        list(wrong), given_up(table, shown, number, queries.w_in, rows), rows[[step.row for step in shown]]
    )


def _dependent(table: FunctionTable, index: int, bank: U64, queries: Queries) -> U64:
    """Some rows of the bank on which a function depends on its variable, each also with that flipped."""
    of = table.at(index)
    planes = queries.sensitivities(
        bank[None],
        np.array([of.output], np.int64),
        of.mask[None],
        of.value[None],
        np.zeros(2, np.int64),
        np.array([-1, of.variable], np.int64),
    )
    differ = np.unpackbits((planes[0] ^ planes[1]).view(np.uint8), bitorder="little")
    rows = bank[np.flatnonzero(differ)[:_TRIES]]
    flipped = rows.copy()
    flipped[:, of.variable >> 6] ^= np.uint64(1) << np.uint64(of.variable & 63)
    return np.concatenate([rows, flipped])
