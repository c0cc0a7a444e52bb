"""The best diagram when a budget is used up before any round has come to its end."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsdgen.learn.accuracy import compare
from bsdgen.learn.assemble import Assembly, assemble
from bsdgen.learn.budget import Budget
from bsdgen.learn.check import Checker
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.contexts import Context
from bsdgen.learn.functions import FunctionTable
from bsdgen.learn.partial import Source, close, discard
from bsdgen.learn.product import Attempt
from bsdgen.learn.rescue import Rescue
from bsdgen.learn.samples import RowSource
from bsdgen.learn.tree import TreeGrower, TreeNode

_CHOICE_ROWS = 1 << 13  # fresh rows on which two unfinished diagrams are compared


@dataclass(frozen=True, eq=False)
class Stopped:
    """A round that was stopped: what it was building, and what is needed to go on.

    Attributes
    ----------
    source : answers on the bank.
    rows, rng : where fresh rows come from.
    root : the cube that holds every row, with all outputs.
    table, grower : what was being built; None before.
    """

    source: Source
    rows: RowSource
    rng: np.random.Generator
    root: Context
    table: FunctionTable | None
    grower: TreeGrower | None


def best_so_far(
    stopped: Stopped, config: LearnConfig, budget: Budget, tick: Callable[[int], None]
) -> Attempt:
    """A diagram although no round came to its end.

    What is finished of the control tree is completed by guesses. Beside it all outputs are learned one by
    one; each output is taken from where fewer fresh rows are wrong.
    """
    source, table, grower = stopped.source, stopped.table, stopped.grower
    if table is None:
        table = FunctionTable(source.queries.planes(source.bank, source.queries.n_inputs))
    tree = grower.nodes if grower is not None else []
    if grower is not None and tree:
        discard(table, tree, grower.settled)
    tree = tree or [TreeNode(stopped.root)]
    if budget.is_short_of_memory:
        source.memory.clear()
    budget.rescue()
    found = Rescue(source, table, config, tick).run(stopped.root)
    budget.off()
    rows = stopped.rows.mixed(stopped.rng, _CHOICE_ROWS)
    alone = _closed(source, table, [TreeNode(stopped.root, dict(found))])
    alone_wrong = compare(source.queries, alone.bsd, rows).by_output
    grown_wrong = compare(source.queries, _closed(source, table, tree).bsd, rows).by_output
    tree[0].known |= {o: e for o, e in found.items() if alone_wrong[o] <= grown_wrong[o]}
    made = _closed(source, table, tree)
    return Attempt(table, tree, made, Checker(source.queries, made).mistakes, source.bank)


def _closed(source: Source, table: FunctionTable, tree: list[TreeNode]) -> Assembly:
    close(source, table, tree)
    return assemble(table, tree, source.queries.n_outputs, source.queries.w_in)
