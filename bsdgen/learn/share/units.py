"""Units: functions that several contexts use with operands of their own.

A unit is the functions of some outputs in one context. Another context *uses* it where its outputs are the
unit's functions with inputs replaced (`bsdgen.learn.share.match`). Each input of the unit then becomes an
*operand*: a choice by context, over the control tree, between what the uses put there. Where no use is, an
operand is free, which keeps the choices small.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bsdgen.bits import U64
from bsdgen.learn.control import DONT_CARE, GONE, ControlTree
from bsdgen.learn.functions import set_bit
from bsdgen.learn.share.graph import Graph, variables

Uncared = Callable[[U64, U64], frozenset[int]]
"""Which outputs mean nothing inside a cube (mask, value)."""
Line = tuple[frozenset[int], frozenset[int]]
"""Contexts where a select line is 1, and where it is 0."""
Decisions: TypeAlias = "int | tuple[int, Decisions, Decisions] | None"
"""A decision tree: a constant, or a variable and what follows where it is 0 and where it is 1; or none."""
Claim = tuple[int, U64, U64]
"""An output that means nothing inside a cube."""


@dataclass(frozen=True)
class Use:
    """How a context uses a unit.

    literals : by variable of the unit's functions, what takes its place.
    outputs : by output of the context, the output of the unit and whether it is complemented.
    """

    literals: dict[int, int]
    outputs: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Unit:
    """Functions by output, and their uses by context; the context that they come from is one of them.

    guards : contexts whose guard, a node, is made with the unit's operands, which are its own inputs there:
        what the guard and the unit have in common is then made once.
    """

    base: int
    functions: dict[int, int]
    uses: dict[int, Use]
    guards: frozenset[int] = frozenset()

    def with_use(self, context: int, use: Use) -> "Unit":
        """The unit with one more use, or more of one."""
        old = self.uses.get(context, Use({}, {}))
        joined = Use(old.literals | use.literals, old.outputs | use.outputs)
        return replace(self, uses={**self.uses, context: joined})


class Contexts:
    """The control tree over a graph, free to be split further: what each output is where it is settled."""

    def __init__(self, n_outputs: int, uncared: Uncared | None = None) -> None:
        """uncared : tells which outputs mean nothing inside a cube; None: all mean something."""
        self.n_outputs = n_outputs
        self.uncared = uncared
        self._parent: dict[int, int] = {}
        self._linked = 0
        self.decisions: dict[Line, Decisions] = {}  # how control variables tell a line's contexts apart
        self.dropped: list[Claim] = []  # what was taken from `uncared`
        self.is_cube: list[bool] = []  # whether what holds in the context holds in its cube
        self.mask: list[U64] = []
        self.value: list[U64] = []
        self.guard: list[int] = []
        self.low: list[int] = []
        self.high: list[int] = []
        self.settled: list[dict[int, int]] = []  # literal by output; not cared for: `DONT_CARE`

    @classmethod
    def of(
        cls,
        tree: ControlTree,
        literals: list[int],
        n_outputs: int,
        uncared: Uncared | None = None,
    ) -> "Contexts | None":
        """The tree over a graph; None if a function that is needed is no node of the diagram.

        literals : of the graph, by index of the diagram.
        """
        made = cls(n_outputs, uncared)
        made.mask, made.value = list(tree.mask), list(tree.value)
        made.is_cube = [True] * len(made.mask)

        def own(literal: int) -> int:
            return literals[literal >> 1] ^ (literal & 1) if literal >= 0 else literal

        made.guard = [own(int(g)) for g in tree.guard]
        made.low, made.high = [int(i) for i in tree.low], [int(i) for i in tree.high]
        made.settled = [{} for _ in made.low]
        for context, output, literal, settled in zip(
            tree.entry_context, tree.entry_output, tree.literal, tree.settled, strict=True
        ):
            if settled:
                made.settled[int(context)][int(output)] = own(int(literal))
        gone = any(GONE in entries.values() for entries in made.settled)
        return None if gone or GONE in made.guard else made

    def copy(self) -> "Contexts":
        """Free to be changed."""
        made = Contexts(self.n_outputs, self.uncared)
        made.is_cube = list(self.is_cube)
        made.mask, made.value, made.dropped = list(self.mask), list(self.value), list(self.dropped)
        made.guard, made.low, made.high = list(self.guard), list(self.low), list(self.high)
        made.settled = [dict(entries) for entries in self.settled]
        return made

    def replaced(self, literals: Mapping[int, int]) -> "Contexts":
        """With functions replaced by others that are equal to them: by uncomplemented literal."""
        made = self.copy()
        for entries in made.settled:
            for output, literal in entries.items():
                if literal != DONT_CARE and literal & ~1 in literals:
                    entries[output] = literals[literal & ~1] ^ (literal & 1)
        return made

    def controls(self, graph: Graph) -> int:
        """Variables that some context is split on, as a bit set."""
        return sum(1 << index - 1 for index in {g >> 1 for g in self.guard} if 0 < index < graph.first)

    def above(self, context: int) -> list[int]:
        """The contexts that it was split off, itself not among them."""
        for at in range(len(self._parent), len(self.low)):
            self._parent[at] = -1
        if len(self._parent) != self._linked:
            links = ((c, at) for at, low in enumerate(self.low) if low >= 0 for c in (low, self.high[at]))
            self._parent |= links
            self._linked = len(self._parent)
        out = []
        while (context := self._parent[context]) >= 0:
            out.append(context)
        return out

    def fits(self, unit: Unit, context: int, use: Use) -> bool:
        """Whether a unit can be used so, beside its other uses.

        What stands in a context stands in all that were split off it: there it must be the same.
        """
        over = self.above(context)
        return all(
            all(old.literals.get(v, x) == x for v, x in use.literals.items())
            for c, old in unit.uses.items()
            if c == context or c in over or context in self.above(c)
        )

    @property
    def leaves(self) -> list[int]:
        """Contexts that are not split."""
        return [at for at, low in enumerate(self.low) if low < 0]

    @property
    def places(self) -> list[int]:
        """Contexts in which outputs are settled."""
        return [at for at, entries in enumerate(self.settled) if entries]

    def split(self, graph: Graph, context: int, guard: int) -> tuple["Contexts", tuple[int, int]]:
        """With a leaf split on the literal of a variable or of a node, and the two halves."""
        made = self.copy()
        at = len(made.low)
        made.guard[context], made.low[context], made.high[context] = guard, at, at + 1
        entries, variable = self.settled[context], (guard >> 1) - 1
        for bit in (0, 1):
            mask, value, free = self.mask[context], self.value[context], frozenset[int]()
            is_variable = variable < graph.n_inputs
            if is_variable:
                mask = set_bit(mask, variable)
                value = set_bit(value, variable) if bit else value
                free = self._free(mask, value)
            cared = [o for o, literal in entries.items() if literal != DONT_CARE and o not in free]
            nodes = [o for o in entries if o in free and entries[o] >= 2 * graph.first]
            made.dropped += [(o, mask, value) for o in nodes]
            half = graph.cofactors([entries[output] for output in cared], guard, bit)
            made.guard.append(0)
            made.low.append(-1)
            made.high.append(-1)
            made.mask.append(mask)
            made.value.append(value)
            made.is_cube.append(is_variable and self.is_cube[context])
            made.settled.append(dict.fromkeys(entries, DONT_CARE) | dict(zip(cared, half, strict=True)))
        made.settled[context] = {}
        return made, (at, at + 1)

    def cared_only(self, graph: Graph) -> "Contexts":
        """With every function as it is where its output is cared for, in any way that is simpler elsewhere.

        Where one value of a control variable makes an output mean nothing in a context, the function does
        not need that variable there.
        """
        if self.uncared is None:
            return self
        made, controls = self.copy(), self.controls(graph)
        for place in self.places:
            entries = made.settled[place]
            for variable in variables(graph.union(e for e in entries.values() if e != DONT_CARE) & controls):
                if (set_bit(self.mask[place], variable) == self.mask[place]).all():
                    continue  # one value of it stands for the context
                for bit in (0, 1):
                    mask = set_bit(self.mask[place], variable)
                    value = set_bit(self.value[place], variable) if bit else self.value[place]
                    free = self._free(mask, value)
                    some = [
                        o
                        for o, e in entries.items()
                        if o in free and e != DONT_CARE and graph.support(e) >> variable & 1
                    ]
                    made.dropped += [(o, mask, value) for o in some]
                    simpler = graph.compose([entries[o] for o in some], {variable: 1 - bit}, graph)
                    entries |= zip(some, simpler, strict=True)
        return made

    def _free(self, mask: U64, value: U64) -> frozenset[int]:
        return frozenset() if self.uncared is None else self.uncared(mask, value)

    def joined(self, graph: Graph, guard: Sequence[int], values: Mapping[int, int]) -> int | None:
        """One function over all contexts: literal by context, free elsewhere; None if it is free everywhere.

        guard : the contexts' guards as literals of `graph`.
        """
        out: list[int | None] = [None] * len(self.low)
        for at in range(len(self.low) - 1, -1, -1):  # children come after their parents
            if at in values:
                out[at] = values[at]
            elif self.low[at] >= 0:
                low, high = out[self.low[at]], out[self.high[at]]
                out[at] = high if low is None else low if high is None else graph.ite(guard[at], high, low)
        return out[0]
