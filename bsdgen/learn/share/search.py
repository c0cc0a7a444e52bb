"""Which contexts use which units: matches that make the whole diagram smaller, the best first."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bsdgen.bits import U64
from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.candidates import LEAST_OUTPUTS, Candidate, CandidateFinder, Words
from bsdgen.learn.share.graph import Graph, variables
from bsdgen.learn.share.rebuild import Circular, rebuilt
from bsdgen.learn.share.units import Contexts, Unit, Use

_LEAST_COST = 48  # gates that a context's functions must cost to be worth looking at
_FINALISTS = 3  # of these, how many with splits
_PLACES = 48  # contexts that are looked at, those with the largest functions
_BASES = 5  # contexts whose functions are tried as the next unit
_LEAST_GAIN = 12  # gates that a use must save
_NODES = 3  # nodes that a context is tried to be split on
_SPLITS = 5  # variables and nodes that a context is tried to be split on
_DEPTH = 2  # how often a context is split for one unit
_COMMON = 4  # a function of more contexts is shared well enough

_MOST_WORK = 30_000_000  # steps of about a microsecond after which no more units are looked for
_NODE, _ENTRY = 10, 4  # steps to make a node anew, and to join what an output is in a context


class _Enough(Exception):
    """The work that may be done is done."""


class Search:
    """Finds units; `contexts` (which it may split), `units` and `cost` are the result so far.

    The work is counted, not timed, for the result must not depend on the machine: when `most_work` steps of
    about a microsecond are done, the units found so far are the result.
    """

    def __init__(
        self,
        graph: Graph,
        contexts: Contexts,
        tell: Callable[[str], None],
        tick: Callable[[], None],
        most_work: int = _MOST_WORK,
        rare: U64 | None = None,
    ) -> None:
        self.most_work = most_work
        self._rebuilding = 0
        self.graph = graph
        self.contexts = contexts
        self.units: list[Unit] = []
        self.tell = tell
        self.tick = tick
        self.control_set = contexts.controls(graph)
        self.finder = CandidateFinder(graph, self.control_set, self._checked, rare)
        self._halves: dict[tuple[tuple[int, ...], int], int] = {}
        self.occurrences = Counter(
            literal >> 1
            for entries in contexts.settled
            for literal in {literal & ~1 for literal in entries.values()}
            if literal >= 2 * graph.first
        )
        self.taken: set[tuple[int, int]] = set()
        self.cost = self._cost(contexts, [])

    @property
    def work(self) -> int:
        """Steps so far."""
        return self.finder.matcher.work + self._rebuilding

    def run(self) -> None:
        """Find units until none makes the diagram smaller, or enough work is done."""
        try:
            while self._next():
                self.tell(f"{len(self.units)} units, {len(self.units[-1].uses)} uses, {self.cost} gates")
        except _Enough:
            self.tell(f"{len(self.units)} units; no more are looked for, it would take too long")

    def _next(self) -> bool:
        """Find one more unit, if there is one."""
        bases = {c: words for c in self.contexts.places if (words := self._worth(self.contexts, c))}
        largest = sorted(bases, key=lambda b: (-self.graph.cost(bases[b].values()), b))[:_PLACES]
        bases = {c: bases[c] for c in largest}
        matches: dict[int, dict[int, list[Candidate]]] = {}
        for base in largest:
            found = self._matches(base, bases[base], bases) if len(matches) < _BASES else {}
            if found:
                matches[base] = found
        gains = {b: sum(self.graph.cost(bases[c].values()) for c in found) for b, found in matches.items()}
        ranked = sorted(matches, key=lambda b: (-gains[b], b))
        tried = [self._grown(base, bases[base], matches[base], False) for base in ranked]
        if not tried:
            return False
        best = sorted(tried, key=lambda g: (g[0], g[2].base))[:_FINALISTS]
        finals = [
            self._pruned(*self._grown(g[2].base, bases[g[2].base], matches[g[2].base], True)) for g in best
        ]
        cost, contexts, unit = min(finals, key=lambda g: (g[0], g[2].base))
        if cost > self.cost - _LEAST_GAIN:
            return False
        self.cost, self.contexts = cost, contexts
        self.units.append(unit)
        self.taken |= {(c, output) for c, use in unit.uses.items() for output in use.outputs}
        self._add_guards()
        return True

    def _checked(self) -> None:
        """Called before anything that takes long."""
        self.tick()
        if self.work > self.most_work:
            raise _Enough

    def _free(self, contexts: Contexts, context: int) -> Words:
        entries = contexts.settled[context]
        return {
            output: literal
            for output, literal in entries.items()
            if literal != DONT_CARE
            and (context, output) not in self.taken
            and self.occurrences[literal >> 1] <= _COMMON
        }

    def _worth(self, contexts: Contexts, context: int) -> Words:
        """Functions of a context if they are worth looking at, else none."""
        words = self.finder.nodes(self._free(contexts, context))
        enough = len(words) >= LEAST_OUTPUTS and self.graph.cost(words.values()) >= _LEAST_COST
        return words if enough else {}

    def _cost(self, contexts: Contexts, units: list[Unit]) -> int:
        self._checked()
        shared = rebuilt(self.graph, contexts, units)
        entries = sum(len(entries) for entries in contexts.settled)
        self._rebuilding += _NODE * len(shared.graph.nodes) + _ENTRY * entries
        return shared.graph.cost(shared.roots)

    def _matches(self, base: int, words: Words, targets: Iterable[int]) -> dict[int, list[Candidate]]:
        """Uses of a context's functions in other contexts."""
        found = {}
        for context in targets:
            if context != base:
                candidates = self.finder.find(words, self._free(self.contexts, context))
                if candidates:
                    found[context] = candidates
        return found

    def _grown(
        self, base: int, words: Words, matches: dict[int, list[Candidate]], splits: bool
    ) -> tuple[int, Contexts, Unit]:
        """Cost, contexts and the unit of a context with all uses that there are.

        All are taken at first, since what one of them frees often another still holds.
        """
        own = {v: 2 * (v + 1) for v in variables(self.graph.union(words.values()))}
        unit = Unit(base, words, {base: Use(own, {output: (output, 0) for output in words})})
        contexts = self.contexts
        # what stands in a context stands in all below it: those with other matched ones below come last
        below = Counter(over for context in matches for over in contexts.above(context))
        order = sorted(matches.items(), key=lambda m: (below[m[0]], -_likeness(m[1])))
        for context, candidates in order:
            use = self._chosen(unit, candidates)
            if contexts.fits(unit, context, use):
                unit = unit.with_use(context, use)
        for context in self.contexts.leaves if splits else ():
            if context not in unit.uses:
                contexts, unit = self._with_split(contexts, unit, context)
        unit = self._spread(contexts, unit)
        return self._cost(contexts, [*self.units, unit]), contexts, unit

    def _pruned(self, cost: int, contexts: Contexts, unit: Unit) -> tuple[int, Contexts, Unit]:
        """Without the uses that make the whole larger, alone or together with those of the same functions."""
        alike: dict[frozenset[int], list[int]] = {}
        for context in sorted(unit.uses, key=lambda c: (len(unit.uses[c].outputs), c)):
            if context != unit.base:
                entries, outputs = contexts.settled[context], unit.uses[context].outputs
                alike.setdefault(frozenset(entries[o] >> 1 for o in outputs), []).append(context)
        together = [some for some in alike.values() if len(some) > 1]
        for some in (*together, *([context] for of in alike.values() for context in of)):
            uses = {c: use for c, use in unit.uses.items() if c not in some}
            if len(uses) < len(unit.uses):
                fewer = replace(unit, uses=uses)
                without = self._cost(contexts, [*self.units, fewer])
                if without < cost:
                    unit, cost = fewer, without
        return cost, contexts, unit

    def _add_guards(self) -> None:
        """Let the last unit make the guards that it should: all that it can, or as many as pay."""
        unit = self.units[-1]
        contexts = self.contexts
        busy = {at for c in unit.uses for at in (c, *contexts.above(c))}
        places = [
            place
            for place, guard in enumerate(contexts.guard)
            if guard >> 1 >= self.graph.first
            and contexts.low[place] >= 0
            and place not in busy
            and not any(at in unit.uses for at in contexts.above(place))
        ]
        for some in (places, *([place] for place in places)):
            more = replace(unit, guards=unit.guards.union(some))
            try:
                cost = self._cost(contexts, [*self.units[:-1], more])
            except Circular:
                continue
            if cost <= self.cost - _LEAST_GAIN:
                self.units[-1], unit, self.cost = more, more, cost

    def _with_split(
        self, contexts: Contexts, unit: Unit, context: int, depth: int = 0
    ) -> tuple[Contexts, Unit]:
        """The unit used in parts of a context, by the splits that make most of it."""
        free = self._worth(contexts, context)
        if not free or context in unit.uses or any(c == context for c, _ in self.taken):
            return contexts, unit
        controls = variables(self.graph.union(free.values()) & self.control_set)
        guards = [2 * (v + 1) for v in controls] + self._common_nodes(free)
        costs = {guard: self._halves_cost(free, guard) for guard in guards}
        ranked = sorted(guards, key=lambda guard: (costs[guard], guard))[:_SPLITS]
        best, most = (contexts, unit), 0
        for guard in ranked:
            made, halves = contexts.split(self.graph, context, guard)
            larger, gain = unit, 0
            for half in halves:
                words = self._free(made, half)
                candidates = self.finder.find(unit.functions, words)
                if candidates:
                    use = self._chosen(larger, candidates)
                    if not made.fits(larger, half, use):
                        continue
                    larger = larger.with_use(half, use)
                    gain += self.graph.cost(words[o] for o in use.outputs)
            if gain > most:
                best, most = (made, larger), gain
        if most or depth == _DEPTH or not ranked or costs[ranked[0]] >= self.graph.cost(free.values()):
            return best
        made, halves = contexts.split(self.graph, context, ranked[0])
        larger = unit
        for half in halves:
            made, larger = self._with_split(made, larger, half, depth + 1)
        return (contexts, unit) if larger is unit else (made, larger)

    def _halves_cost(self, words: Words, guard: int) -> int:
        key = tuple(words.values()), guard
        if key not in self._halves:
            graph = self.graph
            self._halves[key] = sum(graph.cost(graph.cofactors(key[0], guard, bit)) for bit in (0, 1))
        return self._halves[key]

    def _common_nodes(self, words: Words) -> list[int]:
        """Literals of the nodes that the most functions contain, large ones first: their guard may be one."""
        counts = Counter(index for literal in words.values() for index in self.graph.cone([literal]))
        most = [index for index, n in counts.items() if 2 * n > len(words)]
        size = {index: self.graph.support(2 * index).bit_count() for index in most}
        most.sort(key=lambda index: (-counts[index], -size[index], index))
        return [2 * index for index in most[:_NODES] if size[index] > 1]

    def _spread(self, contexts: Contexts, unit: Unit) -> Unit:
        """The unit used in every context that holds the very functions of one of its uses."""
        first = 2 * self.graph.first
        source: dict[int, tuple[int, int, int]] = {}
        for context, use in unit.uses.items():
            for output, (of_unit, inverted) in use.outputs.items():
                literal = contexts.settled[context][output]
                if literal >= first:
                    source.setdefault(literal >> 1, (context, of_unit, inverted ^ (literal & 1)))
        for context in contexts.places:
            for output, literal in contexts.settled[context].items():
                if literal < first or literal >> 1 not in source or (context, output) in self.taken:
                    continue
                there, of_unit, inverted = source[literal >> 1]
                literals = unit.uses[there].literals
                needed = {
                    v: literals[v]
                    for v in variables(self.graph.support(unit.functions[of_unit]))
                    if v in literals
                }
                use = Use(needed, {output: (of_unit, inverted ^ (literal & 1))})
                here = unit.uses.get(context)
                if (here is None or output not in here.outputs) and contexts.fits(unit, context, use):
                    unit = unit.with_use(context, use)
        return unit

    def _chosen(self, unit: Unit, candidates: Sequence[Candidate]) -> Use:
        """The use that has most in common with those that the unit has."""
        known = {(v, x) for use in unit.uses.values() for v, x in use.literals.items()}
        paired = {(o, source) for use in unit.uses.values() for o, (source, _) in use.outputs.items()}

        def common(use: Use) -> int:
            return len(known & use.literals.items()) + sum(
                (o, source) in paired for o, (source, _) in use.outputs.items()
            )

        best = max(candidates, key=lambda candidate: common(candidate.use))  # the first of equals
        return self.finder.preferred(best, frozenset(known))


def _likeness(candidates: Sequence[Candidate]) -> int:
    """How much a context keeps of the unit's own inputs and outputs at best."""
    return max(
        sum(x >> 1 == v + 1 for v, x in candidate.use.literals.items())
        + sum(o == source for o, (source, _) in candidate.use.outputs.items())
        for candidate in candidates
    )
