"""Splits of the control tree that turn out to be no use are taken back.

A context is split before its functions are known. Once they are, the two halves may be smaller as one, with
the control variable in a better place than above all others: whether a control tree tells two operations
apart must not depend on which of two equal gains was found first. Units are then looked for in the larger
context, which may be split again for them.
"""

from collections.abc import Iterable

from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.exclusive import ExclusiveGraph
from bsdgen.learn.share.graph import Graph
from bsdgen.learn.share.reorder import Sifter, components
from bsdgen.learn.share.units import Contexts

_LEAST_GAIN = 12  # of the size


def unsplit(graph: Graph, contexts: Contexts, sifter: Sifter) -> Contexts:
    """The contexts with halves joined where that is smaller."""
    made = contexts.copy()
    for place in range(len(made.low) - 1, -1, -1):  # children come after their parents
        low, high = made.low[place], made.high[place]
        if low < 0 or made.low[low] >= 0 or made.low[high] >= 0:
            continue
        if made.guard[place] >> 1 >= graph.first or not sifter.work:
            continue
        whole = _joined(graph, made, place, sifter)
        if whole is not None:
            made.settled[place] |= whole
            made.settled[low], made.settled[high] = {}, {}
            made.low[place], made.high[place], made.guard[place] = -1, -1, 0
    return made


def _joined(graph: Graph, contexts: Contexts, place: int, sifter: Sifter) -> dict[int, int] | None:
    """What the outputs are in both halves, None if that is not smaller than both, counted apart."""
    low, high = (contexts.settled[c] for c in (contexts.low[place], contexts.high[place]))
    whole: dict[int, int] = {}
    for output in {**low, **high}:
        zero, one = low.get(output, DONT_CARE), high.get(output, DONT_CARE)
        if DONT_CARE in (zero, one):
            whole[output] = one if zero == DONT_CARE else zero
        else:
            whole[output] = graph.ite(contexts.guard[place], one, zero)
    different = {o: e for o, e in whole.items() if low.get(o) != high.get(o) and e != DONT_CARE}
    better: dict[int, int] = {}
    for component in components(graph, sorted({e & ~1 for e in different.values()})):
        made = sifter.run(graph, component)
        if made and _size(graph, made.values()) < _size(graph, component):
            better |= made
    joined = {o: better.get(e & ~1, e & ~1) ^ (e & 1) for o, e in different.items()}
    halves = [
        _size(graph, [e for o, e in half.items() if o in different and e != DONT_CARE])
        for half in (low, high)
    ]
    if _size(graph, joined.values()) > sum(halves) - _LEAST_GAIN:
        return None
    return whole | joined


def _size(graph: Graph, literals: Iterable[int]) -> int:
    """How large some functions are, exclusive ors found."""
    new = ExclusiveGraph(graph.n_inputs)
    return new.size(graph.compose(sorted(literals), {}, new))
