"""Other variable orders for functions that are learned already: smaller, and the same functions.

A leaf's order is chosen before its functions are known, from samples. Once they are known their diagrams can
be sifted (Rudell, ICCAD 1993), functions that have nothing in common each to an order of its own. No question
is asked of the oracle, and an order that inverted inputs had put out of joint is mended.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.graph import Graph
from bsdgen.learn.share.levels import Inserter, Levels, TooMuchWork, sift
from bsdgen.learn.share.units import Contexts

_LEAST_NODES = 3
_GOOD = 8  # variables that an order must have to be tried for other functions
_REMEMBERED = 64  # orders that are remembered
_OTHERS = 2  # orders of other functions that are tried, too
_BLOW_UP = 3  # times its nodes,
_PAIRS, _PAIRS_MORE = 40, 4000  # pairs of nodes a node, and more, that bringing it into an order may take
_BLOW_UP_BY = 200  # and so many more, that a component may have in one order
_MOST_WORK = 2_000_000  # nodes that swaps may look at in all, some microseconds each


def reordered(graph: Graph, contexts: Contexts, sifter: "Sifter") -> tuple[Contexts, dict[int, int]]:
    """The contexts with functions in better orders.

    Returns
    -------
    The contexts, and literals of `graph` that took the place of others, by the others' (uncomplemented).
    """
    renamed: dict[int, int] = {}
    seen: set[int] = set()
    for place in contexts.places:
        literals = {e & ~1 for e in contexts.settled[place].values() if e != DONT_CARE} - seen
        seen |= literals
        for component in components(graph, sorted(literals)):
            renamed |= sifter.run(graph, component)
    return contexts.replaced(renamed), renamed


def components(graph: Graph, literals: Iterable[int]) -> list[list[int]]:
    """The functions, those together that have nodes in common; constants and variables are left out."""
    parent: dict[int, int] = {}

    def root(index: int) -> int:
        while parent.setdefault(index, index) != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    nodes = [literal for literal in literals if literal >> 1 >= graph.first]
    for index in graph.cone(nodes):
        _, high, low = graph.nodes[index - graph.first]
        for child in (high >> 1, low >> 1):
            if child >= graph.first:
                parent[root(index)] = root(child)
    groups: dict[int, list[int]] = {}
    for literal in nodes:
        groups.setdefault(root(literal >> 1), []).append(literal)
    return list(groups.values())


class Sifter:
    """Sifts functions while there is work left.

    Parameters
    ----------
    tick : called now and then; what it raises ends the work.
    work : nodes that swaps may look at in all.
    """

    def __init__(self, tick: Callable[[], None] = lambda: None, work: int = _MOST_WORK) -> None:
        self.tick = tick
        self.work = work
        self.good: list[list[int]] = []  # orders that were the best for some functions

    def run(self, graph: Graph, component: list[int]) -> dict[int, int]:
        """What takes the place of each function in the best order found, nothing if it has no fewer nodes.

        The search starts from the order that the functions have, and from one that was good for others.
        """
        if not self.work:
            return {}
        cone = graph.cone(component)
        if len(cone) < _LEAST_NODES or any(graph.nodes[i - graph.first][0] >= 2 * graph.first for i in cone):
            return {}
        own = _order(graph, cone)
        best, made, is_sifted = len(cone), dict[int, int](), False
        for order in self._starts(own):
            if len(order) * len(cone) > self.work:
                break
            self.tick()
            levels, roots = _ordered(graph, cone, component, order)
            if levels is None:
                continue
            is_sifted = True
            sift(levels, self.work, tick=self.tick)
            self.work = max(0, self.work - levels.work)
            if levels.n_nodes < best:
                best = levels.n_nodes
                made = dict(zip(component, _into(graph, levels, roots), strict=True))
                own = levels.order
        if is_sifted and len(own) >= _GOOD:
            self.good.append(own)
        return made

    def _starts(self, own: list[int]) -> list[list[int]]:
        """Orders to start from: the functions' own, and two others that have most of their variables."""
        here = set(own)
        others = [order for order in self.good[-_REMEMBERED:] if 2 * len(here.intersection(order)) > len(own)]
        others.sort(key=lambda order: -len(here.intersection(order)))
        starts = [own]
        for order in others[:_OTHERS]:
            first = [v for v in order if v in here]
            known = set(first)
            starts.append(_merged(first, own, known))
        return [list(order) for order in dict.fromkeys(tuple(order) for order in starts)]


def _merged(first: list[int], own: list[int], known: set[int]) -> list[int]:
    """`first` with the other variables of `own` after the one that they follow there."""
    after: dict[int, list[int]] = {}
    last = -1
    for v in own:
        if v in known:
            last = v
        else:
            after.setdefault(last, []).append(v)
    return [*after.get(-1, []), *(w for v in first for w in (v, *after.get(v, [])))]


def _order(graph: Graph, cone: list[int]) -> list[int]:
    """The variables of a cone, as far as possible above what is tested after them."""
    below: dict[int, dict[int, int]] = {}
    for index in cone:
        guard, *children = graph.nodes[index - graph.first]
        after = below.setdefault((guard >> 1) - 1, {})
        for child in children:
            at = child >> 1
            if at >= graph.first:
                at = graph.nodes[at - graph.first][0] >> 1
            if at:
                after[at - 1] = after.get(at - 1, 0) + 1
                below.setdefault(at - 1, {})
    above = dict.fromkeys(below, 0)
    for after in below.values():
        for variable, count in after.items():
            above[variable] += count
    order = []
    while above:
        first = min(above, key=lambda v: (above[v], v))
        del above[first]
        order.append(first)
        for variable, count in below[first].items():
            if variable in above:
                above[variable] -= count
    return order


def _ordered(
    graph: Graph, cone: list[int], component: list[int], order: list[int]
) -> tuple[Levels | None, list[int]]:
    """The functions in one order and their literals there; None if that takes far too many nodes."""
    levels = Levels(order)
    inserter = Inserter(levels, _PAIRS * len(cone) + _PAIRS_MORE)
    uses = Counter(x >> 1 for index in cone for x in graph.nodes[index - graph.first][1:])
    uses.update(literal >> 1 for literal in component)
    made = {0: 0}

    def taken(literal: int) -> int:
        """A function that is owned until its last use."""
        index = literal >> 1
        if index not in made:
            made[index] = levels.node(index - 1, 1, 0)
        uses[index] -= 1
        return made[index] ^ (literal & 1)

    for index in cone:
        guard, high, low = graph.nodes[index - graph.first]
        try:
            made[index] = inserter.ite((guard >> 1) - 1, taken(high), taken(low))
        except TooMuchWork:
            return None, []
        for used in {high >> 1, low >> 1}:
            if not uses[used] and used:
                levels.drop(made.pop(used))
        if levels.size > _BLOW_UP * len(cone) + _BLOW_UP_BY:
            return None, []
    return levels, [taken(literal) for literal in component]


def _into(graph: Graph, levels: Levels, roots: list[int]) -> list[int]:
    """The functions as nodes of the graph."""
    made = {0: 0}
    for at, variable, high, low in levels.nodes():
        made[at] = graph.ite(2 * (variable + 1), made[high >> 1] ^ (high & 1), made[low >> 1] ^ (low & 1))
    return [made[root >> 1] ^ (root & 1) for root in roots]
