"""Finding out that some functions are others with their inputs replaced.

Given pairs (f, g), is there one substitution s of literals and constants for the variables of the f's with
``g = f(s)``, up to complement, for all pairs? It is found pair by pair from the smallest support up: the
substitution of one pair extends that of the pairs before it by the variables that are new. One to three
unknown variables are solved for by trying; more are assigned by what they do to all f's and g's together
(their influences and correlations), which is enough for shift amounts and the like.

Agreement is agreement on random rows, and on given rare ones, thus speculation; whoever uses a match has the
result checked.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels import cones as kernel
from bsdgen.learn.share.graph import Evaluator, Graph, variables

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_WORDS = 64  # words of random rows
_MOST = 4096  # candidates that are looked at
_SIEVE = 2  # of these, words that all candidates are tried on
_BEAM = 6  # substitutions that are followed at once
_TRIED = 16  # candidates that are tried on all rows
_SOLVED = 3  # unknown variables that are solved for by trying
_FLIPPED = 8  # variables of unclear polarity that are tried both ways
_EVALUATION, _SOLUTION = 20, 300  # steps of about a microsecond that these take
_NEAR = 0.03  # greatest mean difference of influences of two variables in the same role


@dataclass(frozen=True)
class Match:
    """A substitution and the pairs that it holds for.

    literals : by variable of the f's, the literal of g's variables (0, 1: constant) that takes its place.
    inverted : for each pair 1 where g is the complement, 0 where not, -1 where the pair does not match.
    """

    literals: dict[int, int]
    inverted: tuple[int, ...]


@dataclass
class _Guess:
    """A substitution on its way."""

    literals: dict[int, int]
    inverted: list[int] = field(default_factory=list)
    score: float = 0.0
    image: int = 0  # variables of the g's that it uses
    sets: tuple[frozenset[int], ...] = ()  # for each pair, the literals that it added, in any order


class Matcher:
    """Matches functions of one graph."""

    def __init__(self, graph: Graph, seed: int = 0, rare: U64 | None = None) -> None:
        """rare : planes (n_inputs, words) of more rows, on which a match must hold too."""
        self.graph = graph
        rng = np.random.default_rng(seed)
        self.work = 0  # steps of about a microsecond so far
        self.planes: U64 = rng.integers(0, 2**64, (graph.n_inputs, _WORDS), np.uint64)
        if rare is not None:
            self.planes = np.concatenate([self.planes, rare], axis=1)
        even = np.concatenate([np.zeros((1, self.planes.shape[1]), np.uint64), self.planes])
        self._literals: U64 = np.stack([even, ~even], axis=1).reshape(-1, even.shape[1])  # planes by literal
        self._few_literals: U64 = np.ascontiguousarray(self._literals[:, :_SIEVE])
        self._evaluators: dict[int, Evaluator] = {}
        self._values: dict[int, U64] = {}
        self._known: Set[tuple[int, int]] = frozenset()
        self._profiles: dict[int, tuple[NDArray[np.int64], F64]] = {}
        self._roles: dict[tuple[int, ...], F64] = {}
        self._solved: dict[tuple[object, ...], list[tuple[tuple[int, ...], int]]] = {}

    def match(
        self,
        pairs: Sequence[tuple[int, int]],
        drops: int,
        known: Set[tuple[int, int]] = frozenset(),
        same: Sequence[bool] | None = None,
        given: Mapping[int, int] = MappingProxyType({}),
    ) -> Match | None:
        """One substitution for all pairs of literals (f, g) but at most `drops`.

        known : (variable, literal) that are preferred where there is a choice.
        same : for each pair whether f and g are the same output: then no complement is preferred, while of
            two outputs nobody knows whether they have the same polarity. None: all are.
        given : literals by variable that are no question.
        """
        self._known = known
        order = sorted(range(len(pairs)), key=lambda k: self.graph.support(pairs[k][0]).bit_count())
        image = 0
        for literal in given.values():
            image |= 1 << (literal >> 1) - 1
        guesses = [_Guess(dict(given), image=image)]
        roles: _Roles | None = None
        for done, k in enumerate(order):
            f, g = pairs[k]
            support = self.graph.support(f)
            unknown = [v for v in variables(support) if v not in guesses[0].literals]
            new = variables(self.graph.support(g) & ~guesses[0].image)
            if roles is None and len(unknown) > _SOLVED and not self._hopeless(f, g, unknown, new, not done):
                roles = _Roles(self, [pairs[i] for i in order])
            fee = 0.5 if same is None or same[k] else 0.0
            found = [more for guess in guesses for more in self._extended(guess, f, g, roles, fee)]
            if found:
                guesses = _followed(found)
                continue
            drops -= 1
            if drops < 0 or done < 2:
                return None
            for guess in guesses:
                guess.inverted.append(-1)
        inverted = dict(zip(order, guesses[0].inverted, strict=True))
        return Match(guesses[0].literals, tuple(inverted[k] for k in range(len(pairs))))

    def evaluator(self, literal: int) -> Evaluator:
        """Of one function, kept."""
        if literal not in self._evaluators:
            self._evaluators[literal] = Evaluator(self.graph, [literal])
        return self._evaluators[literal]

    def value(self, literal: int) -> U64:
        """Plane of a literal on the random rows."""
        if literal not in self._values:
            index = literal & ~1
            self._values[index] = self.evaluator(index)(self.planes)[0]
            self._values[index + 1] = ~self._values[index]
        return self._values[literal]

    def profile(self, literal: int) -> tuple[NDArray[np.int64], F64]:
        """Variables of a function; of each its influence, and how far the function follows it (-1 to 1).

        A function and its complement have the same figures: those of the one that is seldom 1.
        """
        if literal not in self._profiles:
            evaluator, base = self.evaluator(literal), self.value(literal)[:_WORDS]
            found = evaluator.variables
            self.work += found.shape[0] * (_EVALUATION + evaluator.n_nodes // 20)
            figures = np.zeros((found.shape[0], 2), np.int64)
            kernel.flips(self.planes, _WORDS, found, evaluator.table, int(evaluator.outputs[0]), figures)
            counts = figures.astype(np.float64)
            counts[:, 1] = 2 * counts[:, 1] - counts[:, 0]
            if np.bitwise_count(base).sum() > (0.5 + _NEAR) * 64 * _WORDS:
                counts[:, 1] *= -1
            self._profiles[literal] = found, counts / (64 * _WORDS)
        return self._profiles[literal]

    def profiles(self, literals: tuple[int, ...]) -> F64:
        """Profiles over several functions: shape (n_inputs, 2, functions)."""
        if literals not in self._roles:
            out = np.zeros((self.graph.n_inputs, 2, len(literals)))
            for at, literal in enumerate(literals):
                found, figures = self.profile(literal)
                out[found, :, at] = figures
            self._roles[literals] = out
        return self._roles[literals]

    def _hopeless(self, f: int, g: int, unknown: list[int], new: list[int], first: bool) -> bool:
        """Whether many unknown variables cannot be assigned, by figures of this pair alone."""
        if len(unknown) - len(new) > _SOLVED:
            return True
        if not first or len(unknown) != len(new):
            return False
        ours, theirs = np.sort(self.profile(f)[1][:, 0]), np.sort(self.profile(g)[1][:, 0])
        return ours.shape != theirs.shape or float(np.abs(ours - theirs).max()) > 2.5 * _NEAR

    def _extended(self, guess: _Guess, f: int, g: int, roles: "_Roles | None", fee: float) -> list[_Guess]:
        """The guess with what this pair adds to it, in every way that fits; a complement costs the fee."""
        of_f, of_g = self.graph.support(f), self.graph.support(g)
        unknown = [v for v in variables(of_f) if v not in guess.literals]
        new = variables(of_g & ~guess.image)
        if len(new) > len(unknown):
            return []
        if len(unknown) > _SOLVED and self._hopeless(f, g, unknown, new, not guess.inverted):
            return []
        if len(unknown) > _SOLVED:
            choices = roles.assignments(unknown, new) if roles is not None else []
            fitting = self._tested(guess, f, g, unknown, choices)
        else:
            fitting = self._solved_once(guess, f, g, unknown, new)
        return [self._with(guess, unknown, choice, inverted, fee) for choice, inverted in fitting]

    def _solved_once(
        self, guess: _Guess, f: int, g: int, unknown: list[int], new: list[int]
    ) -> list[tuple[tuple[int, ...], int]]:
        """What fits for up to three unknown variables; many matches begin with the same pairs."""
        if self._known:
            return self._tested(guess, f, g, unknown, self._solutions(guess, f, g, unknown, new))
        given = tuple(guess.literals.get(v, -1) for v in variables(self.graph.support(f)))
        key = f, g, given, guess.image & self.graph.support(g)
        if key not in self._solved:
            choices = self._solutions(guess, f, g, unknown, new)
            self._solved[key] = self._tested(guess, f, g, unknown, choices)
        return self._solved[key]

    def _tested(
        self, guess: _Guess, f: int, g: int, unknown: list[int], choices: Sequence[tuple[int, ...]]
    ) -> list[tuple[tuple[int, ...], int]]:
        """The choices for unknown variables that fit on all rows, and whether g is the complement then."""
        if not choices:
            return []
        evaluator = self.evaluator(f)
        self.work += len(choices) * (_EVALUATION + evaluator.n_nodes // 20)
        given, places = self._given(guess, evaluator, unknown)
        tried = np.array(choices, np.int64).reshape(len(choices), len(unknown))
        output, target = int(evaluator.outputs[0]), self.value(g)
        fits = kernel.tested(self._literals, given, places, tried, evaluator.table, output, target)
        return [(choice, fit) for choice, fit in zip(choices, fits.tolist(), strict=True) if fit >= 0]

    def _given(self, guess: _Guess, evaluator: Evaluator, unknown: list[int]) -> tuple[I64, I64]:
        """What the guess puts in place of each variable of a function, and where the unknown ones are."""
        of = evaluator.variables.tolist()
        given = np.array([guess.literals.get(v, 2 * (v + 1)) for v in of], np.int64)
        return given, np.array([of.index(v) for v in unknown], np.int64)

    def _preference(self, variable: int, literal: int, image: int) -> float:
        """A variable stays itself rather than becoming another, one that is used already, or a constant."""
        known = 0.5 if (variable, literal) in self._known else 0.0
        if literal < 2:
            return known - 1.0 - 0.1 * literal
        at = (literal >> 1) - 1
        # only of itself is it known that it has the same polarity
        itself, inverted = (1.0, 0.6) if at == variable else (0.0, 0.0)
        return known + itself - inverted * (literal & 1) - (0.3 if image >> at & 1 else 0.0)

    def _with(
        self, guess: _Guess, unknown: list[int], choice: tuple[int, ...], inverted: int, fee: float
    ) -> _Guess:
        score, image = guess.score - fee * inverted, guess.image
        for v, literal in zip(unknown, choice, strict=True):
            score += self._preference(v, literal, guess.image)
            image |= 1 << (literal >> 1) - 1 if literal > 1 else 0
        literals = guess.literals | dict(zip(unknown, choice, strict=True))
        sets = (*guess.sets, frozenset(choice)) if choice else guess.sets
        return _Guess(literals, [*guess.inverted, inverted], score, image, sets)

    def _solutions(
        self, guess: _Guess, f: int, g: int, unknown: list[int], new: list[int]
    ) -> list[tuple[int, ...]]:
        """Literals for up to three unknown variables that fit on the first words, preferred ones first."""
        if not unknown:
            return [()]
        evaluator = self.evaluator(f)
        self.work += _SOLUTION
        given, places = self._given(guess, evaluator, unknown)
        output = int(evaluator.outputs[0])
        cofactors = kernel.cofactors(self._few_literals, given, places, evaluator.table, output)
        of_g = self.graph.support(g)
        every = [0, 1, *_literals(variables(of_g))]
        few_literals = [0, 1, *_literals([v for v in unknown if of_g >> v & 1 and v not in new] + new)]
        if len(unknown) == 1:
            axes = [[every]]
        elif len(unknown) == _SOLVED:
            axes = [[few_literals] * _SOLVED]
        else:  # one of the two is new, or stays itself, or is constant
            axes = [[few_literals, every], [every, few_literals]]
        wanted, target = set(new), self.value(g)[:_SIEVE]
        found: dict[tuple[int, ...], float] = {}
        for literals in axes:
            for choice in self._fitting(cofactors, literals, target):
                if wanted <= {(x >> 1) - 1 for x in choice}:
                    pairs = zip(unknown, choice, strict=True)
                    found[choice] = sum(self._preference(v, x, guess.image) for v, x in pairs)
        return sorted(found, key=lambda choice: -found[choice])[:_TRIED]

    def _fitting(self, cofactors: U64, literals: list[list[int]], target: U64) -> list[tuple[int, ...]]:
        """Which literals of each unknown variable's list give the target or its complement.

        cofactors : shape (8, words), bit j of the first index being the value of unknown variable j.
        """
        lists = *literals, *[[0]] * (_SOLVED - len(literals))
        first, second, third = (np.array(of, np.int64) for of in lists)
        found = np.empty((_MOST, _SOLVED), np.int64)
        n = kernel.fitting(cofactors, self._few_literals, first, second, third, target, found)
        return [tuple(choice) for choice in found[:n, : len(literals)].tolist()]


def _followed(found: list[_Guess]) -> list[_Guess]:
    """The best guesses, as different as possible.

    An operation that does not tell its operands apart lets them be swapped at every bit. That must not crowd
    out other polarities, of which the next bit will tell which are right.
    """
    found = sorted(found, key=lambda guess: -guess.score)
    first: list[_Guess] = []
    again: list[_Guess] = []
    seen: set[tuple[frozenset[int], ...]] = set()
    for guess in found:
        (again if guess.sets in seen else first).append(guess)
        seen.add(guess.sets)
    return (first + again)[:_BEAM]


def _literals(of: list[int]) -> list[int]:
    return [2 * (v + 1) + c for v in of for c in (0, 1)]


class _Roles:
    """What each variable does to all functions of the pairs, in order, on either side."""

    def __init__(self, matcher: Matcher, pairs: Sequence[tuple[int, int]]) -> None:
        self.of_f = matcher.profiles(tuple(f for f, _ in pairs))
        self.of_g = matcher.profiles(tuple(g for _, g in pairs))

    def assignments(self, unknown: list[int], new: list[int]) -> list[tuple[int, ...]]:
        """Literals for many unknown variables: nearest roles first, up to three left over constant."""
        ours, theirs = self.of_f[unknown], self.of_g[new]
        apart = np.abs(ours[:, None, 0] - theirs[None, :, 0]).mean(-1)
        apart -= 0.01 * (np.array(unknown)[:, None] == np.array(new)[None, :])
        plain, inverted = (np.abs(ours[:, None, 1] - sign * theirs[None, :, 1]).mean(-1) for sign in (1, -1))
        distances = apart + np.minimum(plain, inverted)
        ranked = sorted((float(distances[i, j]), i, j) for i, j in np.argwhere(distances <= _NEAR).tolist())
        chosen: dict[int, int] = {}
        taken: set[int] = set()
        either: list[int] = []
        for _, i, j in ranked:
            if unknown[i] in chosen or j in taken:
                continue
            taken.add(j)
            chosen[unknown[i]] = 2 * (new[j] + 1) + int(inverted[i, j] + 0.5 * _NEAR < plain[i, j])
            if abs(inverted[i, j] - plain[i, j]) <= 0.5 * _NEAR:
                either.append(unknown[i])
        left = [v for v in unknown if v not in chosen]
        if len(left) > _SOLVED or len(taken) < len(new):
            return []
        flips = either if len(either) + len(left) <= _FLIPPED else []
        return [
            tuple(
                chosen[v] ^ (bits >> flips.index(v) & 1 if v in flips else 0)
                if v in chosen
                else bits >> len(flips) + left.index(v) & 1
                for v in unknown
            )
            for bits in range(1 << len(left) + len(flips))
        ]
