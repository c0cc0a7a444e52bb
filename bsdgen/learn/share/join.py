"""One function out of what it is in each context: by the control tree, or by shared select lines.

A bit that is one of m functions, by context, costs m - 1 multiplexers when the control tree is followed, and
more where a function stands in several contexts. Select lines, one a function, cost 2 m - 1 gates a bit and
are shared by all bits with the same choice. Each bit takes what is cheaper.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from bsdgen.learn.share.graph import Graph
from bsdgen.learn.share.units import Contexts, Decisions, Line

Choice = Mapping[int, int]  # by context, what stands there; a context that is not named is free
_Path = dict[int, int]  # value by variable
_LINE_COST = 8  # gates that a select line is taken to cost


class Joiner:
    """Joins choices over one control tree into one graph."""

    def __init__(
        self, graph: Graph, contexts: Contexts, guard: Sequence[int], choices: Sequence[Choice]
    ) -> None:
        """choices : all that will be joined, up to renaming: who shares a line shares its cost."""
        self.graph = graph
        self.contexts = contexts
        self.guard = guard
        self._paths: list[_Path] = []  # made when they are needed
        self._lines: dict[Line, int] = {}
        self._trees: dict[tuple[tuple[int, int], ...], int] = {}
        self._users = Counter(line for choice in choices for line in _lines_of(choice).values())

    def join(self, choice: Choice) -> int | None:
        """Literal of the function; None if it is free everywhere."""
        if not choice:
            return None
        lines = _lines_of(choice)
        literals = [literal for literal in lines if literal != 0]
        if len(lines) == 2:
            first, second = sorted(lines)  # constants first
            alone = self.graph.ite(self._line(lines[second]), second, first)
            tree = self.contexts.joined(self.graph, self.guard, choice)
            assert tree is not None
            if alone == tree:
                return tree
            below = set(self.graph.cone((first, second)))
            return min(alone, tree, key=lambda literal: self._gates(literal, below))
        if len(lines) > 2:
            gates = sum(1 if literal == 1 else 2 for literal in literals) - 1
            lines_cost = sum(_LINE_COST / max(1, self._users[lines[literal]]) for literal in literals)
            if gates + lines_cost < self._tree_cost(choice):
                return self._by_lines(lines, literals)
        return self.contexts.joined(self.graph, self.guard, choice)

    def _by_lines(self, lines: dict[int, Line], literals: list[int]) -> int:
        out = 0
        for literal in literals:
            term = self.graph.ite(self._line(lines[literal]), literal, 0)
            out = self.graph.ite(out, 1, term)
        return out

    def _line(self, line: Line) -> int:
        if line not in self._lines:
            choice = dict.fromkeys(line[0], 1) | dict.fromkeys(line[1], 0)
            literal = self.contexts.joined(self.graph, self.guard, choice)
            assert literal is not None
            if line not in self.contexts.decisions:
                self.contexts.decisions[line] = _told_apart(*self._on_and_off(line))
            other = self._made(self.contexts.decisions[line])
            if other is not None and self.graph.cost([other]) < self.graph.cost([literal]):
                literal = other
            self._lines[line] = literal
        return self._lines[line]

    def _gates(self, literal: int, below: set[int]) -> int:
        """Gates of a function that are not in a cone `below`."""
        first, nodes = self.graph.first, self.graph.nodes
        gates, stack = 0, [literal >> 1]
        seen: set[int] = set()
        while stack:
            index = stack.pop()
            if index < first or index in seen or index in below:
                continue
            seen.add(index)
            g, h, lo = nodes[index - first]
            gates += 1 if h >> 1 == 0 or lo >> 1 == 0 else 3
            stack += (g >> 1, h >> 1, lo >> 1)
        return gates

    def _on_and_off(self, line: Line) -> tuple[list[_Path], list[_Path]]:
        """Paths of the contexts where a line is 1, and of those where it is 0."""
        if not self._paths:
            self._paths = _paths(self.contexts, self.graph)
        on, off = ([self._paths[place] for place in sorted(places)] for places in line)
        return on, off

    def _made(self, decisions: Decisions) -> int | None:
        """Literal of a function of control variables; None if there is none."""
        if not isinstance(decisions, tuple):
            return decisions
        variable, low, high = decisions
        of_low, of_high = self._made(low), self._made(high)
        if of_low is None or of_high is None:
            return None
        return self.graph.ite(2 * (variable + 1), of_high, of_low)

    def _tree_cost(self, choice: Choice) -> int:
        """Gates of the choice along the control tree, what is chosen not counted."""
        classes: dict[int, int] = {}
        named = tuple(
            (place, literal if literal < 2 else 2 + classes.setdefault(literal, len(classes)))
            for place, literal in sorted(choice.items())
        )
        if named not in self._trees:
            self._trees[named] = self._new_tree_cost(dict(named))
        return self._trees[named]

    def _new_tree_cost(self, named: dict[int, int]) -> int:
        low, high = self.contexts.low, self.contexts.high
        out: list[object] = [None] * len(low)
        made: set[object] = set()
        cost = 0
        for at in range(len(low) - 1, -1, -1):
            if at in named:
                out[at] = named[at]
            elif low[at] >= 0:
                off, on = out[low[at]], out[high[at]]
                if off is None or on is None or off == on:
                    out[at] = on if off is None else off
                    continue
                key = (self.guard[at], on, off)
                if key not in made:
                    made.add(key)
                    cost += 1 if on in (0, 1) or off in (0, 1) else 3
                out[at] = key
        return cost


def _told_apart(on: list[_Path], off: list[_Path]) -> Decisions:
    """Decisions that are 1 on some paths and 0 on others; None in them where there are none.

    A decision tree of its own: the control tree's order need not be the best one for this.
    """
    if not on or not off:
        return int(not off)
    best: tuple[int, int, int] | None = None
    for variable in sorted({v for path in (*on, *off) for v in path}):
        halves = [_halves(paths, variable) for paths in (on, off)]
        left = [len(halves[0][bit]) + len(halves[1][bit]) for bit in (0, 1)]
        if max(left) == len(on) + len(off):
            continue
        mixed = sum(bool(halves[0][bit]) and bool(halves[1][bit]) for bit in (0, 1))
        score = (mixed, sum(left), variable)
        best = score if best is None else min(best, score)
    if best is None:
        return None
    on_halves, off_halves = _halves(on, best[2]), _halves(off, best[2])
    low, high = (_told_apart(on_halves[bit], off_halves[bit]) for bit in (0, 1))
    return best[2], low, high


def _paths(contexts: Contexts, graph: Graph) -> list[_Path]:
    """Of each context, the values of the variables that it was split off by; nodes are left out."""
    paths: list[_Path] = [{} for _ in contexts.low]
    for at, low in enumerate(contexts.low):
        if low >= 0:
            guard = contexts.guard[at]
            for bit, half in enumerate((low, contexts.high[at])):
                own = {(guard >> 1) - 1: bit ^ (guard & 1)} if 0 < guard >> 1 < graph.first else {}
                paths[half] = paths[at] | own
    return paths


def _halves(paths: list[_Path], variable: int) -> tuple[list[_Path], list[_Path]]:
    """Paths on which a variable may be 0, and those on which it may be 1."""
    return (
        [path for path in paths if path.get(variable) != 1],
        [path for path in paths if path.get(variable) != 0],
    )


def _lines_of(choice: Choice) -> dict[int, Line]:
    """By what is chosen, the contexts where it is and those where something else is."""
    on: dict[int, set[int]] = {}
    for place, literal in choice.items():
        on.setdefault(literal, set()).add(place)
    everywhere = frozenset(choice)
    return {literal: (frozenset(places), everywhere - places) for literal, places in on.items()}
