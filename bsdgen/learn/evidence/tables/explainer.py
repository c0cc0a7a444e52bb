"""Explaining an output in a context: a table over few features that no row contradicts.

An approximate functional dependency (TANE: Huhtala et al., The Computer Journal 42, 1999) is not enough: one
contradicting row refutes. The search is greedy by the impurity that is left (ID3: Quinlan 1986), from seeds
that show what no single feature does: an exclusive or of two or three features. Which explanations are worth
their description follows Quinlan and Rivest (Information and Computation 80, 1989): the values that a table
saves to list must cost more bits than the table.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.tables.completions import Completions
from bsdgen.learn.evidence.tables.templates import TEMPLATES, Templates
from bsdgen.learn.evidence.tables.worth import WIDE, description, fresh, kind, unseen, worth
from bsdgen.learn.kernels import evidence as kernel

I64 = NDArray[np.int64]
_QUICK_WORDS, _QUICK_FEATURES, _QUICK_ROWS = 32, 4, 24
_FEATURES = 8  # of an explanation, at most
_SEED_WORDS = 8  # words of 64 cared rows on which all pairs and triples are tried
_SEEDS = 8  # pairs, and triples, that are followed
_FEW_TEMPLATES = 8  # the same where one only looks ahead
_COMPLETION_ROWS = 64
_RARE = 8  # a kind of explanation that so many times fewer outputs have than the commonest is looked at again


class Explainer:
    """Searches explanations of one context's outputs.

    Parameters
    ----------
    context : where; its `explanations` are filled in.
    templates : feature sets of all contexts; added to where `learn` is set.
    tolerance : share of the cared rows that may contradict, all of them ones in cells of mostly zeros: for
        targets that happen to be one now and then.
    """

    def __init__(
        self, context: RowContext, templates: Templates, learn: bool = True, tolerance: float = 0.0
    ) -> None:
        self.context, self.templates, self.learn, self.tolerance = context, templates, learn, tolerance
        self._completions = Completions(context, templates, learn)
        self._inherited = len(context.explanations)
        self._followed: dict[int, int] = {}  # explanations that an open output was tried to be built on
        self._straight: set[int] = set()  # steps that were tried to be made shorter
        self._left: dict[int, float] = {}  # impurity that the best search left of an open output, a row

    def quick(self, outputs: Sequence[int]) -> None:
        """Constants, single features, feature sets known from elsewhere, and few features on few rows."""
        for _ in range(2):
            progress = False
            for output in outputs:
                if output not in self.context.explanations:
                    progress = self._at_a_glance(output) or progress
            if not self._follow(outputs) and not progress:
                return

    def _at_a_glance(self, output: int) -> bool:
        if self._simple(output) or self._known(output) or self._completed(output, self._bases(output)):
            return True
        if self.context.cared[output] < _QUICK_ROWS:
            return False
        pool = self.context.pool(output)
        planes = self.context.pool_planes(pool, _QUICK_WORDS)
        return self._greedy(output, [], pool, planes, _QUICK_FEATURES)

    def _follow(self, outputs: Sequence[int]) -> int:
        """Build open outputs on what was explained here, until nothing is found: chains to their ends, in
        whatever order outputs come. Returns the number."""
        context, done, progress = self.context, 0, True
        while progress:
            progress = False
            for output in outputs:
                if output in context.explanations or context.cared[output] < _COMPLETION_ROWS:
                    continue
                new = islice(context.explanations, self._followed.get(output, self._inherited), None)
                wide = [q for q in new if len(context.explanations[q].features) > 1]
                self._followed[output] = len(context.explanations)
                if wide and (self._known(output) or self._built(output, wide)):
                    done, progress = done + 1, True
        self.straighten(self._inherited)
        return done

    def straighten(self, first: int = 0) -> None:
        """Give steps of chains that skip one, as the one in between was explained later, a shorter step.

        Parameters
        ----------
        first : explanations from which on this is done.
        """
        context = self.context
        for output in list(islice(context.explanations, first, None)):
            now = context.explanations[output]
            if output in self._straight or not self._skips(now):
                continue
            self._straight.add(output)
            best = self._shortest(output, now, Counter())
            if best is not None:
                context.replace(output, best)
                if self.learn:
                    self.templates.add(output, best.features, best.n_rows, best.own)

    def full(self, outputs: Sequence[int], extra: Sequence[int] = (), patience: int = 2) -> int:
        """All of it, with more features; gives up after `patience` outputs in a row. Returns the number."""
        context, done = self.context, 0
        for deep in (False, True):
            failures = 0
            # The nearest first: which output comes first by number says nothing.
            for output in sorted(outputs, key=lambda o: self._left.get(o, 0.0)) if deep else outputs:
                if output in context.explanations or context.cared[output] < 32:
                    continue
                if (
                    self._simple(output)
                    or self._known(output)
                    or self._completed(output, self._bases(output, anywhere=True))
                    or self._search(output, extra, deep)
                ):
                    done += 1 + self._follow(outputs)
                    failures = 0
                elif deep:
                    failures += 1
                    if failures >= patience:
                        break
        return done

    def greedy(self, output: int, extra: Sequence[int]) -> bool:
        """A feature, or a greedy search from nothing, with extra features."""
        return self._search(output, extra, None)

    def better_seen(self, output: int, unmet: Callable[[Explanation], int]) -> None:
        """Of the feature sets that explain an output elsewhere and here, that with fewest unmet cells.

        Parameters
        ----------
        unmet : how many cells no row met although some row could.
        """
        context = self.context
        now = context.explanations[output]
        best = (unmet(now), len(now.features))
        steps = fresh(now, context.explanations)  # a step that skips one is met more often, but not better
        for features in self.templates.of(output):
            if best[0] == 0:
                return
            if features == tuple(sorted(now.features)) or not self._usable(output, features):
                continue
            counts, wrong = context.tabulate(output, features)
            if wrong or not worth(context, output, counts, len(features), len(context.live)):
                continue
            kept, counts = self._pruned(output, list(features), counts)
            explanation = Explanation.of(kept, counts)
            rank = (unmet(explanation), len(kept))
            if rank < best and fresh(explanation, context.explanations) <= steps:
                context.replace(output, explanation)
                best = rank

    def _simple(self, output: int) -> bool:
        """A constant, or a feature."""
        found = self._single(output, self.context.pool(output, copies=True))
        if found is not None:
            self.context.explain(output, found)
        return found is not None

    def _single(self, output: int, pool: list[int]) -> Explanation | None:
        context = self.context
        values = kernel.values_seen(context.y[output], context.c[output])
        if values != 3:
            n = int(context.cared[output])
            return Explanation((), ((n, 0) if values == 2 else (0, n),))
        return self._same(output, pool)

    def _same(self, output: int, pool: Sequence[int]) -> Explanation | None:
        """A feature that the output is, or the complement of."""
        feature = self.context.equal(output, pool)
        if feature is None:
            return None
        counts, _ = self.context.tabulate(output, [feature])
        return (
            Explanation.of([feature], counts) if worth(self.context, output, counts, 1, len(pool)) else None
        )

    def _known(self, output: int) -> bool:
        """A feature set of another context."""
        context = self.context
        for features in self.templates.of(output)[: TEMPLATES if self.learn else _FEW_TEMPLATES]:
            if self._usable(output, features):
                counts, wrong = context.tabulate(output, features)
                if not wrong and worth(context, output, counts, len(features), len(context.live)):
                    own = self.templates.own.get((output, tuple(features)), ())
                    return self._accept(output, features, counts, own)
        return False

    def _bases(self, output: int, anywhere: bool = False) -> list[int]:
        """Explained outputs to build on: where others were built on elsewhere, or any."""
        if not self.learn:
            return []
        known = [q for q in self.templates.bases(output) if q in self.context.explanations]
        return list(dict.fromkeys([*known, *self.context.explanations])) if anywhere else known

    def _completed(self, output: int, bases: Sequence[int]) -> bool:
        """One or two features alone, as a sibling of an explained output, or as the next step of a chain."""
        if self.context.cared[output] < _COMPLETION_ROWS:
            return False
        found = next(self._completions.siblings(output), None)
        if found is not None:
            self._accept_as(output, found)
        return found is not None or self._built(output, bases)

    def _built(self, output: int, bases: Sequence[int]) -> bool:
        """As the next step of a chain behind one of some outputs."""
        found = next(self._completions.steps(output, bases), None)
        if found is None:
            return False
        self._accept_as(output, found[0])
        if self.learn:
            self.templates.follows(output, found[1])
        return True

    def _accept_as(self, output: int, explanation: Explanation) -> None:
        self._accept(output, explanation.features, np.array(explanation.counts, np.int64), explanation.own)

    def tidy(self) -> None:
        """Give outputs whose table is unlike those of the others a shorter explanation, if there is one.

        What a greedy search found first, or what another context needed, may say an output by what happens
        to go along with it; a constant, a feature, or the step of the chain that the others are made by is
        shorter, and holds where no row was.
        """
        context = self.context
        n_inputs = context.store.n_inputs
        made = {
            o
            for o, e in context.explanations.items()
            if any(f >= n_inputs for f in e.features) or sum(f < 0 for f in e.features) > 1
        }
        wide = [o for o, e in context.explanations.items() if len(e.features) >= WIDE]
        kinds = {o: kind(context.explanations[o], context.explanations) for o in wide}
        often = Counter(kinds.values())
        rare = max(1, max(often.values(), default=0) // _RARE)
        for output in sorted({*made, *wide}):
            common = output not in made and kinds[output] and often[kinds[output]] > rare
            if common and not self._skips(context.explanations[output]):
                continue
            if not context.cared[output]:
                continue
            best = self._shortest(output, context.explanations[output], often)
            if best is not None:
                context.replace(output, best)
                if self.learn:
                    self.templates.add(output, best.features, best.n_rows, best.own)

    def _skips(self, explanation: Explanation) -> bool:
        """Whether it may be the step of a chain that leaves one out."""
        explanations = self.context.explanations
        built = any(f < 0 and -1 - f in explanations for f in explanation.features)
        return built and fresh(explanation, explanations) > 1

    def _shortest(
        self, output: int, now: Explanation, often: Mapping[tuple[int, ...], int]
    ) -> Explanation | None:
        """The shortest explanation of an output, None if there is none shorter than what it has.

        Of those that are as long the one that needs fewest features beyond those of what it is built on,
        then that whose kind is commonest.
        """
        explanations, definitions = self.context.explanations, self.context.definitions

        def rank(explanation: Explanation) -> tuple[float, int, int]:
            length = description(definitions, explanation.features, len(self.context.live))
            return length, fresh(explanation, explanations), -often.get(kind(explanation, explanations), 0)

        best, least = None, rank(now)
        for explanation in self._shorter(output):
            if (other := rank(explanation)) < least:
                best, least = explanation, other
            if len(explanation.features) < WIDE:
                break
        return best

    def again(self, output: int, extra: Sequence[int]) -> None:
        """Search an explained output once more, with extra features; the fewest unseen cells win."""
        old = self.context.explanations[output]
        self.context.forget(output)
        self._search(output, extra, deep=False)
        new = self.context.explanations.get(output)
        if new is None:
            self.context.explain(output, old)
        elif (unseen(new), len(new.features)) >= (unseen(old), len(old.features)):
            self.context.replace(output, old)

    def _shorter(self, output: int) -> Iterator[Explanation]:
        """Explanations that no definition of another context is needed for, simple ones first."""
        simple = self._single(output, self.context.pool(output))
        if simple is not None:
            yield simple
        bases = self._bases(output, anywhere=True)
        steps = (explanation for explanation, _ in self._completions.steps(output, bases))
        for explanation in chain(self._completions.siblings(output), steps):
            counts = np.array(explanation.counts, np.int64)
            yield Explanation.of(*self._pruned(output, list(explanation.features), counts), explanation.own)

    def _usable(self, output: int, features: Sequence[int]) -> bool:
        context = self.context
        outputs = [f for f in features if f < 0]
        if not outputs:
            return True
        covering, dependents = set(context.covering(output)), context.dependents(output)
        return all(
            -1 - f in covering and -1 - f in context.explanations and -1 - f not in dependents
            for f in outputs
        )

    def _search(self, output: int, extra: Sequence[int], deep: bool | None) -> bool:
        """A feature, or a greedy search from all seeds; from nothing alone where `deep` is None."""
        pool = self.context.pool(output, extra)
        same = self._same(output, pool)
        if same is not None:
            self._accept_as(output, same)
            return True
        planes = self.context.pool_planes(pool, self.context.n_sample)
        seeds = [[]] if deep is None else self._seeds(output, pool, planes, deep)
        return any(self._greedy(output, seed, pool, planes, _FEATURES) for seed in seeds)

    def _seeds(self, output: int, pool: list[int], planes: U64, deep: bool) -> Iterator[list[int]]:
        """Features to begin with: none, the best single ones, exclusive ors of two, of three."""
        context, words = self.context, planes.shape[1]
        y, c = context.y[output, :words], context.c[output, :words]
        n = int(np.bitwise_count(c).sum())
        yield []
        singles = np.zeros(len(pool), np.int64)
        kernel.distances(planes, y, c, singles)
        for at in np.argsort(-np.abs(n - 2 * singles), kind="stable")[:4].tolist():
            yield [pool[at]]
        for known in self.templates.of(output)[:6]:
            if self._usable(output, known):
                yield list(known)
        chosen = np.flatnonzero(c)[:64]
        narrow = np.ascontiguousarray(planes[:, chosen])
        best, who = np.zeros(_SEEDS, np.int64), np.zeros((_SEEDS, 3), np.int64)
        kernel.exclusive_pairs(narrow, y[chosen], c[chosen], best, who)
        sets = who[np.argsort(-best, kind="stable")].tolist()
        if deep:
            few = slice(0, _SEED_WORDS)
            best, who = np.zeros(3 * _SEEDS, np.int64), np.zeros((3 * _SEEDS, 3), np.int64)
            kernel.exclusive_triples(
                np.ascontiguousarray(narrow[:, few]), y[chosen][few].copy(), c[chosen][few].copy(), best, who
            )
            sets += who[np.argsort(-best, kind="stable")].tolist()
        scored = []
        for at, members in enumerate(sets):
            seed = [m for m in members if m >= 0]
            if len(set(seed)) < len(seed) or not seed:
                continue
            mixed = y.copy()
            for m in seed:
                mixed ^= planes[m]
            scored.append((-abs(n - 2 * int(np.bitwise_count(mixed & c).sum())), at, [pool[m] for m in seed]))
        for score, _, seed in sorted(scored)[:_SEEDS]:
            if -score < 4 * n**0.5:
                return
            yield seed

    def _greedy(self, output: int, seed: list[int], pool: list[int], planes: U64, most: int) -> bool:
        """Add the feature that leaves least impurity until no row contradicts."""
        context, features = self.context, list(seed)
        best_so_far: tuple[int, list[int], I64] | None = None
        words = planes.shape[1]
        y, c = context.y[output, :words], context.c[output, :words]
        while True:
            if features:
                counts, wrong = context.tabulate(output, features, 1 << 30 if self.tolerance else 0)
                if not wrong:
                    ok = worth(context, output, counts, len(features), len(pool))
                    return ok and self._accept(output, features, counts)
                tolerable = self.tolerance and wrong <= self.tolerance * context.cared[output]
                if tolerable and (best_so_far is None or wrong < 0.7 * best_so_far[0]):
                    best_so_far = wrong, list(features), counts
            if len(features) >= most:
                return self._settle(output, best_so_far)
            cells = np.empty((1 << len(features), words), np.uint64)
            kernel.cells_of(context.columns(features, words), c, cells)
            left = np.zeros(len(pool) + 1, np.float64)
            kernel.impurities(planes, y, cells, left)
            best = int(np.argmin(left[:-1]))
            least = 1.0 if best_so_far is not None else 2.0 + 0.01 * left[-1]
            if left[-1] - left[best] < least or pool[best] in features:
                rest = float(left[-1]) / max(1, int(np.bitwise_count(c).sum()))
                self._left[output] = min(rest, self._left.get(output, 1.0))
                return self._settle(output, best_so_far)
            features.append(pool[best])

    def _settle(self, output: int, found: tuple[int, list[int], I64] | None) -> bool:
        """Keep an explanation that a tolerable number of rows contradict."""
        if found is None:
            return False
        _, features, counts = found
        self.context.explain(output, Explanation.of(features, counts))
        return True

    def _accept(self, output: int, features: Sequence[int], counts: I64, own: Sequence[int] = ()) -> bool:
        """Drop features that no row needs, prefer inputs, and keep the explanation."""
        context, kept = self.context, list(features)
        kept, counts = self._pruned(output, kept, counts)
        for at, feature in enumerate(kept):
            if feature not in context.live:
                better = self._input_instead(output, kept, at)
                if better is not None:
                    kept, counts = better
        context.explain(output, Explanation.of(kept, counts, own))
        if self.learn:
            self.templates.add(output, kept, int(counts.sum()), own)
        return True

    def _pruned(self, output: int, features: list[int], counts: I64) -> tuple[list[int], I64]:
        changed = True
        while changed and len(features) > 1:
            changed = False
            # Features that were made are dropped before inputs.
            for feature in sorted(features, key=lambda f: (0 <= f < self.context.store.n_inputs, -f)):
                rest = [f for f in features if f != feature]
                fewer, wrong = self.context.tabulate(output, rest)
                if not wrong:
                    features, counts, changed = rest, fewer, True
                    break
        return features, counts

    def _input_instead(self, output: int, features: list[int], at: int) -> tuple[list[int], I64] | None:
        """An input in the place of another feature, if no row contradicts that either."""
        context = self.context
        live = [v for v in context.live if v not in features]
        planes = context.columns(live, context.n_sample)
        words = planes.shape[1]
        column, c = context.column(features[at])[:words], context.c[output, :words]
        distance = np.zeros(len(live), np.int64)
        kernel.distances(planes, column, c, distance)
        n = int(np.bitwise_count(c).sum())
        near = np.minimum(distance, n - distance)
        for other in np.argsort(near, kind="stable")[:3].tolist():
            if near[other] > n // 8:
                return None
            changed = [*features[:at], live[other], *features[at + 1 :]]
            counts, wrong = context.tabulate(output, changed)
            if not wrong:
                return changed, counts
        return None
