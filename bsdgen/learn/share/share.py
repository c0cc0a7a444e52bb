"""A diagram made smaller, and what has become of its functions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32
from bsdgen.learn.control import DONT_CARE, GONE, ControlTree
from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Graph
from bsdgen.learn.share.pull import pulled
from bsdgen.learn.share.rare import walked_planes
from bsdgen.learn.share.rebuild import Shared, rebuilt
from bsdgen.learn.share.reorder import Sifter, reordered
from bsdgen.learn.share.search import Search
from bsdgen.learn.share.units import Claim, Contexts, Uncared, Unit
from bsdgen.learn.share.unsplit import unsplit

_NOWHERE = -2  # a literal of no node: its index is not in any graph, complemented or not
_LARGEST = 200_000  # nodes, and outputs by context, of what is looked at; each takes some 0.1 ms


@dataclass(frozen=True)
class UnitRecord:
    """A unit for people and ledgers; literals are those of the new diagram, `GONE` if no node is it.

    Attributes
    ----------
    base : context whose functions the unit is.
    functions : literal by output of that context.
    operands : literal by variable of the functions.
    uses : by context, what stands for each variable there (a literal of the old diagram), and by output of
        the context the literal that it is.
    """

    base: int
    functions: dict[int, int]
    operands: dict[int, int]
    uses: dict[int, tuple[dict[int, int], dict[int, int]]]


@dataclass(frozen=True, eq=False)
class Sharing:
    """The result.

    Attributes
    ----------
    bsd : the smaller diagram; equal to the old one where outputs are cared for, if every match was right.
    literals : int32, shape (1 + n_inputs + n_nodes,)
        By index of the old diagram, the literal of the new one that is the same function; `GONE` if none is.
    units : what the units are.
    inside : int32, of the shape of `literals`, one a unit
        The literal that is the same function in the unit's own context; elsewhere it is another.
    mask, value : uint64, shape (n, w)
        Cubes of the contexts, those first that the tree had before.
    is_cube : bool, shape (n,)
        Whether what holds in the context holds in its cube: not where a context was split on a node.
    uncared : what was taken for uncared.
    """

    bsd: Bsd
    literals: I32
    units: tuple[UnitRecord, ...]
    inside: tuple[I32, ...]
    mask: U64
    value: U64
    is_cube: NDArray[np.bool_]
    uncared: tuple[Claim, ...]

    @property
    def is_speculated(self) -> bool:
        """Whether the diagram could be another function; otherwise it is the old one by construction."""
        return bool(self.units or self.uncared)


def share(
    bsd: Bsd,
    tree: ControlTree,
    exclusive: bool,
    substitution: bool,
    reordering: bool = True,
    uncared: Uncared | None = None,
    tell: Callable[[str], None] = lambda message: None,
    tick: Callable[[], None] = lambda: None,
) -> Sharing | None:
    """Make a diagram smaller.

    Parameters
    ----------
    tree : its control tree.
    exclusive, substitution, reordering : which passes are made (`bsdgen.learn.LearnConfig`).
    uncared : tells which outputs mean nothing inside a cube; functions then need not be kept there.
    tell : told how far the work is.
    tick : called now and then; what it raises ends the work.

    Returns
    -------
    None if nothing makes it smaller, or if it is too large to be made smaller in sensible time: more than
    200,000 nodes and entries of the control tree. Units are looked for until `Search` has done enough.
    """
    if bsd.n_nodes + tree.literal.shape[0] > _LARGEST:
        return None
    graph, literals = Graph.of(bsd)
    contexts = Contexts.of(tree, literals, bsd.n_outputs, uncared)
    if contexts is None:
        return None
    contexts = contexts.cared_only(graph)
    if reordering:
        sifter = Sifter(tick)
        better, renamed = reordered(graph, contexts, sifter)
        better = unsplit(graph, better, sifter)
        # each place by itself is smaller now; what several have in common may have been lost
        if _gates(graph, better) < _gates(graph, contexts):
            contexts = better
            literals = [_renamed(literal, renamed) for literal in literals]
    if exclusive:
        graph, contexts, literals = _with_exclusive(graph, contexts, literals)
        contexts, renamed = pulled(graph, contexts, contexts.controls(graph))
        literals = [_renamed(literal, renamed) for literal in literals]
    units: list[Unit] = []
    if substitution:
        search = Search(graph, contexts, tell, tick, rare=walked_planes(bsd, tree))
        search.run()
        contexts, units = search.contexts, search.units
    shared = rebuilt(graph, contexts, units)
    plain, old = Graph.of(bsd)
    roots = [old[int(root) >> 1] ^ (int(root) & 1) for root in bsd.roots]
    if shared.graph.size(shared.roots) >= plain.size(roots):
        if reordering:
            return share(bsd, tree, exclusive, substitution, False, uncared, tell, tick)
        return None
    return _result(contexts, units, shared, literals)


def _gates(graph: Graph, contexts: Contexts) -> int:
    """The size of all that is settled, exclusive ors found."""
    new, moved, _ = _with_exclusive(graph, contexts, [])
    return new.size([e for entries in moved.settled for e in entries.values() if e != DONT_CARE])


def _with_exclusive(
    graph: Graph, contexts: Contexts, literals: list[int]
) -> tuple[Graph, Contexts, list[int]]:
    """The same in a graph with exclusive-or guards; literals of what no context needs are `_NOWHERE`."""
    new = ExclusiveGraph(graph.n_inputs)
    needed = [e for entries in contexts.settled for e in entries.values() if e != DONT_CARE]
    made = graph.composed([*contexts.guard, *needed], {}, new)
    moved = contexts.copy()
    moved.guard = [made[g >> 1] ^ (g & 1) for g in contexts.guard]
    for entries in moved.settled:
        for output, e in entries.items():
            if e != DONT_CARE:
                entries[output] = made[e >> 1] ^ (e & 1)
    return new, moved, [made[e >> 1] ^ (e & 1) if e >> 1 in made else _NOWHERE for e in literals]


def _renamed(literal: int, renamed: dict[int, int]) -> int:
    return renamed.get(literal & ~1, literal & ~1) ^ (literal & 1)


def _result(contexts: Contexts, units: list[Unit], shared: Shared, literals: list[int]) -> Sharing:
    bsd, made = shared.graph.to_bsd(shared.roots)

    def final(literal: int | None) -> int:
        if literal is None or literal >> 1 not in made:
            return GONE
        return made[literal >> 1] ^ (literal & 1)

    def through(index: dict[int, int], literal: int) -> int:
        there = index.get(literal >> 1)
        return GONE if there is None else final(there ^ (literal & 1))

    records = []
    for unit, operands, functions in zip(units, shared.operands, shared.functions, strict=True):
        uses = {
            context: (
                dict(use.literals),
                {o: final(functions[source] ^ inverted) for o, (source, inverted) in use.outputs.items()},
            )
            for context, use in unit.uses.items()
        }
        records.append(
            UnitRecord(
                unit.base,
                {output: final(literal) for output, literal in functions.items()},
                {v: final(literal) for v, literal in operands.items()},
                uses,
            )
        )
    return Sharing(
        bsd,
        np.array([through(shared.exact, literal) for literal in literals], np.int32),
        tuple(records),
        tuple(np.array([through(of, e) for e in literals], np.int32) for of in shared.inside),
        np.array(contexts.mask),
        np.array(contexts.value),
        np.array(contexts.is_cube, np.bool_),
        tuple(contexts.dropped),
    )
