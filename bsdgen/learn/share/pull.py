"""Control variables that a leaf took for data are tested first again.

In one shared variable order a variable such as a choice between two sums may end up below the words that it
chooses between: that costs no more decision nodes, but every node then stands for both. Testing it first
separates the two, which exclusive-or guards and units can make use of.
"""

from bsdgen.learn.share.graph import Graph, variables
from bsdgen.learn.share.rebuild import rebuilt
from bsdgen.learn.share.units import Contexts

_LEAST_OUTPUTS = 4
_LEAST_GAIN = 12  # gates
_MOST = 3  # variables that are pulled up in one context


def pulled(graph: Graph, contexts: Contexts, controls: int) -> tuple[Contexts, dict[int, int]]:
    """The contexts with control variables tested first where that makes the whole smaller.

    Parameters
    ----------
    controls : bit set of the variables that are tried.

    Returns
    -------
    The contexts, and the literals of functions that took the place of others, by the others' literals.
    """
    cost = _total(graph, contexts)
    renamed: dict[int, int] = {}
    for place in contexts.places:
        for _ in range(_MOST):
            better = _best(graph, contexts, place, controls)
            if better is None:
                break
            replaced = contexts.replaced(better)
            total = _total(graph, replaced)
            if total > cost - _LEAST_GAIN:
                break
            contexts, cost = replaced, total
            renamed = {
                old: better.get(new & ~1, new & ~1) ^ (new & 1) for old, new in renamed.items()
            } | better
    return contexts, renamed


def _total(graph: Graph, contexts: Contexts) -> int:
    shared = rebuilt(graph, contexts, [])
    return shared.graph.cost(shared.roots)


def _best(graph: Graph, contexts: Contexts, place: int, controls: int) -> dict[int, int] | None:
    """New functions of one context by the old, with the best variable pulled up, if one seems worth it."""
    entries = contexts.settled[place].values()
    literals = sorted({literal & ~1 for literal in entries if literal >= 2 * graph.first})
    if len(literals) < _LEAST_OUTPUTS:
        return None
    cost = graph.cost(literals)
    best: tuple[int, list[int]] | None = None
    for variable in variables(graph.union(literals) & controls):
        low, high = (graph.cofactors(literals, 2 * (variable + 1), bit) for bit in (0, 1))
        made = [graph.ite(2 * (variable + 1), h, lo) for h, lo in zip(high, low, strict=True)]
        now = graph.cost(made)
        if now <= cost - _LEAST_GAIN and (best is None or now < best[0]):
            best = now, made
    return None if best is None else dict(zip(literals, best[1], strict=True))
