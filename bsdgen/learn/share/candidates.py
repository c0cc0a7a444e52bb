"""Ways in which the functions of one context may be those of another with inputs replaced."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from bsdgen.bits import U64
from bsdgen.learn.share.graph import Graph
from bsdgen.learn.share.match import Match, Matcher
from bsdgen.learn.share.units import Use

LEAST_OUTPUTS = 4  # functions that a match must cover
_DECIDING = 0.15  # mean influence from which on a control variable of a unit is tried as a constant
_FIXED = 3  # control variables of a unit that are tried as constants
_STARTS = 3  # places in a chain of functions where another chain may start
_DROPS = 2  # pairs of a match that may be left out

Words = dict[int, int]
"""Literal by output."""
_Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Candidate:
    """A use that may be, and the match that it comes from."""

    use: Use
    fixed: dict[int, int]
    given: dict[int, int]
    pairing: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]


class CandidateFinder:
    """Finds candidates by matching; what was found once is kept.

    Parameters
    ----------
    controls : bit set of the variables that some context is split on.
    before : called before each match; what it raises ends the work.
    rare : see `bsdgen.learn.share.match.Matcher`.
    """

    def __init__(
        self, graph: Graph, controls: int, before: Callable[[], None], rare: U64 | None = None
    ) -> None:
        self.graph = graph
        self.controls = controls
        self.before = before
        self.matcher = Matcher(graph, rare=rare)
        self._found: dict[tuple[_Pairs, _Pairs], list[Candidate]] = {}
        self._again: dict[tuple[_Pairs, _Pairs, frozenset[tuple[int, int]]], Match | None] = {}
        self._decide: dict[_Pairs, list[int]] = {}
        self._fixed: dict[tuple[_Pairs, _Pairs], Words] = {}
        self._chained: dict[_Pairs, list[list[int]]] = {}

    def nodes(self, words: Words) -> Words:
        """The words that are nodes: neither constants nor variables."""
        return {output: literal for output, literal in words.items() if literal >= 2 * self.graph.first}

    def find(self, functions: Words, words: Words) -> list[Candidate]:
        """How `words` are `functions` with inputs replaced, in every way that is found."""
        key = (tuple(functions.items()), tuple(words.items()))
        if key not in self._found:
            self._found[key] = list(self._new_candidates(functions, words))
        return self._found[key]

    def _new_candidates(self, functions: Words, words: Words) -> Iterator[Candidate]:
        found: set[tuple[int, int]] = set()  # first pairs of what has been found
        for fixed in self._constants(functions, words):
            ours = self._cofactors(functions, fixed)
            # what chooses between operations in both does so for the same reason
            given = {v: 2 * (v + 1) for v in self._deciding(functions) if v not in fixed}
            for pairing in self._pairings(ours, words):
                if pairing[0] in found:
                    continue
                pairs = tuple((ours[f], words[g]) for f, g in pairing)
                self.before()
                match = self.matcher.match(pairs, _DROPS, same=[f == g for f, g in pairing], given=given)
                if match is not None:
                    found.add(pairing[0])
                    use = _use_of(pairing, match, fixed)
                    yield Candidate(use, fixed, given, tuple(pairing), pairs)

    def preferred(self, candidate: Candidate, known: frozenset[tuple[int, int]]) -> Use:
        """The candidate's use with what is known of others, (variable, literal), where there is a choice."""
        key = (candidate.pairing, candidate.pairs, known)
        if key not in self._again:
            same = [f == g for f, g in candidate.pairing]
            self._again[key] = self.matcher.match(candidate.pairs, _DROPS, known, same, candidate.given)
        match = self._again[key]
        return candidate.use if match is None else _use_of(candidate.pairing, match, candidate.fixed)

    def _cofactors(self, functions: Words, fixed: dict[int, int]) -> Words:
        """The functions with variables fixed."""
        key = (tuple(functions.items()), tuple(fixed.items()))
        if key not in self._fixed:
            literals = list(functions.values())
            for v, bit in fixed.items():
                literals = self.graph.cofactors(literals, 2 * (v + 1), bit)
            self._fixed[key] = self.nodes(dict(zip(functions, literals, strict=True)))
        return self._fixed[key]

    def _constants(self, functions: Words, words: Words) -> Iterator[dict[int, int]]:
        """Ways to fix control variables of the functions: free where the words have them too, or constant."""
        there = self.graph.union(words.values())
        ours = self._deciding(functions)
        for choice in product(*((None, 0, 1) if there >> v & 1 else (0, 1) for v in ours)):
            yield {v: bit for v, bit in zip(ours, choice, strict=True) if bit is not None}

    def _deciding(self, functions: Words) -> list[int]:
        """Control variables that matter to most of the functions that they occur in, unlike data."""
        key = tuple(functions.items())
        if key not in self._decide:
            reach: dict[int, list[float]] = {}
            for literal in functions.values():
                found, figures = self.matcher.profile(literal)
                for v, influence in zip(found.tolist(), figures[:, 0].tolist(), strict=True):
                    if self.controls >> v & 1:
                        reach.setdefault(v, []).append(influence)
            mean = {v: sum(values) / len(values) for v, values in reach.items()}
            ranked = sorted((v for v in mean if mean[v] >= _DECIDING), key=lambda v: (-mean[v], v))
            self._decide[key] = ranked[:_FIXED]
        return self._decide[key]

    def _pairings(self, functions: Words, words: Words) -> Iterator[list[tuple[int, int]]]:
        """Pairs (output of the functions, output of the words) that may correspond."""
        first = 2 * self.graph.first
        same = [(output, output) for output in functions if output in words]
        different = [o for o, _ in same if words[o] >= first and functions[o] >> 1 != words[o] >> 1]
        if len(different) >= LEAST_OUTPUTS:
            yield same
        size = {o: self.graph.support(e).bit_count() for o, e in functions.items()}
        ours = self._chains(functions)
        for theirs in self._chains(self.nodes(words)):
            smallest = self.graph.support(words[theirs[0]]).bit_count()
            for chain in ours:
                first_fit = next((i for i, o in enumerate(chain) if size[o] >= smallest), len(chain))
                for start in range(first_fit, min(first_fit + _STARTS, len(chain))):
                    pairing = list(zip(chain[start:], theirs, strict=False))
                    distinct = [p for p in pairing if functions[p[0]] >> 1 != words[p[1]] >> 1]
                    if len(distinct) >= LEAST_OUTPUTS and any(f != g for f, g in pairing):
                        yield pairing

    def _chains(self, words: Words) -> list[list[int]]:
        """Outputs whose supports contain one another, ascending; the long ones."""
        key = tuple(words.items())
        if key not in self._chained:
            self._chained[key] = self._new_chains(words)
        return self._chained[key]

    def _new_chains(self, words: Words) -> list[list[int]]:
        support = {o: self.graph.support(e) for o, e in words.items()}
        left = sorted((o for o in words if support[o]), key=lambda o: (support[o].bit_count(), o))
        chains = []
        while left:
            chain: list[int] = []
            for output in left:
                if not chain or (
                    support[chain[-1]] & ~support[output] == 0 and support[chain[-1]] != support[output]
                ):
                    chain.append(output)
            used = set(chain)
            left = [output for output in left if output not in used]
            if len(chain) >= 2 * LEAST_OUTPUTS:
                chains.append(chain)
        return chains


def _use_of(pairing: Sequence[tuple[int, int]], match: Match, fixed: dict[int, int]) -> Use:
    outputs = {
        g: (f, inverted) for (f, g), inverted in zip(pairing, match.inverted, strict=True) if inverted >= 0
    }
    return Use(fixed | match.literals, outputs)
