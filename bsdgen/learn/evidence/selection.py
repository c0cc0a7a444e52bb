"""Contexts told apart by as few decisions as what is cared for needs.

The tree that rows were explained by is split on what explained most at the time. Once all is explained, a
context is what its outputs are; where an output is not cared for anything may stand (decision trees with
don't-cares: Quinlan 1986; one-sided and two-sided matching: Shiple, Hojati, Sangiovanni-Vincentelli, Brayton,
DAC 1994). So the contexts are told apart anew: at each step by the guard that leaves fewest different
definitions on both sides, over all outputs. Contexts whose definitions are equal where the context is are
told to share one first, which a satisfiability solver proves: nothing is changed where anything is claimed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.tree import Node

I64 = NDArray[np.int64]
_CLOSE = 1.1  # times the fewest definitions: guards that are as good
_SURE = 50  # times as many definitions as depend on a guard that says what is done
MOST_CONTEXTS = 512
"""Contexts up to which they are told apart anew: the work grows with more than their square."""
UNCARED = -1
"""Stands for a definition where an output is not cared for."""


@dataclass(frozen=True)
class Choice:
    """A node of the tree of choices.

    guard : the feature that it is split on, -1 for a leaf.
    sure : whether hardly any definition depends on the guard: it says what is done, not with what.
    low, high : numbers of its halves.
    path : guards and values on the way to it.
    definitions : by output, of a leaf: what it is there, or `UNCARED`.
    """

    guard: int = -1
    sure: bool = False
    low: int = -1
    high: int = -1
    path: tuple[tuple[int, int], ...] = ()
    definitions: tuple[int, ...] = ()


def choices(
    paths: Sequence[Mapping[int, int]],
    labels: I64,
    uncared: Mapping[tuple[int, int], frozenset[tuple[int, int]]],
    definitions: Definitions,
) -> list[Choice]:
    """The tree of choices, root first.

    Parameters
    ----------
    paths : of contexts no two of which share a row, guards and their values; a guard that a path does not
        have may have any value there.
    labels : shape (contexts, outputs): definitions, or `UNCARED`.
    uncared : by context and output, guards and values with which the output is not cared for.
    definitions : what the labels are. Inputs are taken before functions, and of inputs that are as good those
        that fewest definitions depend on: what is a control here is one elsewhere.
    """
    guards = sorted({guard for path in paths for guard in path})
    values = np.array([[path.get(guard, -1) for guard in guards] for path in paths], np.int8)
    values = values.reshape(len(paths), len(guards))
    place = {guard: at for at, guard in enumerate(guards)}
    vetoes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for (context, output), where in uncared.items():
        for guard, value in where:
            if guard in place:
                vetoes.setdefault((place[guard], value), []).append((context, output))
    veto = {key: tuple(np.array(places).T) for key, places in vetoes.items()}
    cost, n_definitions = _cost(guards, labels, definitions), len(np.unique(labels))
    tree = [Choice()]
    pending = [(0, np.arange(len(paths)), labels)]
    while pending:
        at, inside, now = pending.pop()
        if not (_kinds(now[inside]) > 1).any():
            tree[at] = Choice(
                path=tree[at].path, definitions=tuple(now[inside].max(axis=0, initial=-1).tolist())
            )
            continue
        chosen = _best_guard(values, inside, now, veto, cost)
        path = tree[at].path
        for value in (0, 1):
            there = inside[(values[inside, chosen] == value) | (values[inside, chosen] < 0)]
            pending.append((len(tree), there, _with_veto(now, veto.get((chosen, value)))))
            tree.append(Choice(path=(*path, (guards[chosen], value))))
        sure = _SURE * cost[chosen][1] < n_definitions
        tree[at] = Choice(guards[chosen], sure, len(tree) - 2, len(tree) - 1, path)
    return tree


def as_grown(nodes: Sequence[Node], labels: Mapping[int, tuple[int, ...]]) -> list[Choice]:
    """The tree of choices that a tree of contexts is as it is; labels by leaf."""
    return [
        Choice(path=node.path, definitions=labels[at])
        if node.is_leaf
        else Choice(node.guard, False, node.low, node.high, node.path)
        for at, node in enumerate(nodes)
    ]


def _with_veto(labels: I64, veto: tuple[I64, ...] | None) -> I64:
    if veto is None:
        return labels
    out = labels.copy()
    out[veto] = UNCARED
    return out


def _kinds(labels: I64) -> I64:
    """By output, how many different definitions there are."""
    ordered = np.sort(labels, axis=0)
    new = np.ones(ordered.shape, np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    counts: I64 = (new & (ordered >= 0)).sum(axis=0)
    return counts


def _cost(guards: Sequence[int], labels: I64, definitions: Definitions) -> list[tuple[bool, int]]:
    """By guard, whether it is a function, and how many definitions depend on it if it is not."""
    used = [definitions.support(d) for d in np.unique(labels[labels != UNCARED]).tolist()]
    n_inputs = definitions.n_inputs
    return [(g >= n_inputs, 0 if g >= n_inputs else sum(s >> g & 1 for s in used)) for g in guards]


def _best_guard(
    values: NDArray[np.int8],
    inside: I64,
    labels: I64,
    veto: Mapping[tuple[int, int], tuple[I64, ...]],
    cost: Sequence[tuple[bool, int]],
) -> int:
    """The place of the guard that leaves fewest definitions on both sides together, as evenly as can be."""
    mixed = np.flatnonzero(_kinds(labels[inside]) > 1)
    own = values[inside]
    ranks: dict[int, tuple[int, int]] = {}
    at_hand = np.flatnonzero((own == 0).any(axis=0) & (own == 1).any(axis=0)).tolist()
    inputs = [at for at in at_hand if not cost[at][0]]
    for at in inputs or at_hand:
        sides = []
        for value in (0, 1):
            there = inside[(own[:, at] == value) | (own[:, at] < 0)]
            half = _with_veto(labels, veto.get((at, value)))
            sides.append(int(_kinds(half[np.ix_(there, mixed)]).sum()))
        ranks[at] = sum(sides), max(sides)
    least = _CLOSE * min(whole for whole, _ in ranks.values())
    close = [at for at, (whole, _) in ranks.items() if whole <= least]
    return min(close, key=lambda at: (cost[at][1], *ranks[at], at))


def unified(
    leaves: Sequence[tuple[Mapping[int, int], int]],
    definitions: Definitions,
    situations: Situations,
    alike: Callable[[int, int], bool],
    cared: Sequence[int | None],
) -> list[int]:
    """For each context a definition that is equal to its own there; those of earlier contexts first.

    Parameters
    ----------
    leaves : where a definition is taken, guards and their values; and the definition.
    alike : whether a context's rows (by place in `leaves`) do not contradict a definition.
    cared : for each context, the definition of when the output is cared for, None: always.
    """
    classes: list[int] = []
    out = []
    for at, (path, own) in enumerate(leaves):
        found = own
        if own not in classes:
            when = cared[at]
            where = [*path.items(), *([] if when is None else [(when, 1)])]
            for other in classes:
                if alike(at, other):
                    different = definitions.make((own, other), (0, 1, 1, 0))
                    value = definitions.constant_value(different)
                    if value == 0 or (value is None and situations.never([*where, (different, 1)])):
                        found = other
                        break
            else:
                classes.append(own)
        out.append(found)
    return out
