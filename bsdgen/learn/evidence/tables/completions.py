"""Completions: explanations that add one or two features to a part of what is known.

That part is what other outputs' explanations have in common, or an explained output and what is new in its
explanation: the next step of a chain, found in any order of bits. All pairs of features are tried, on few
rows; what is found is held to all rows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1

import numpy as np
from numpy.typing import NDArray

from bsdgen.learn.evidence.context import Explanation, RowContext, output_feature
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tables.worth import WIDE, essential, worth
from bsdgen.learn.kernels import completions as kernel

I64 = NDArray[np.int64]
_COMPLETION_WORDS = 32  # words of 64 rows, all with cared ones, on which pairs of features are tried
_COMPLETIONS = 64  # pairs that are held to all rows
_GIVEN = 6  # features that are completed, at most
_LEAST_PEERS, _MOST_COMMON = 4, 2  # wide explanations from which on a feature is common; common features
_RESTS, _COMMON = 24, 4  # parts of other outputs' explanations that are completed with one feature, with two


@dataclass(frozen=True)
class _Try:
    """Features that are given, whether two may be added, and the output that they build on, or -1."""

    given: list[int]
    pairs: bool
    base: int


class Completions:
    """Finds completions in a context; without `learn` of inputs alone, on fewer rows."""

    def __init__(self, context: RowContext, templates: Templates, learn: bool) -> None:
        self.context, self.templates, self.learn = context, templates, learn
        self._care: dict[int, bytes] = {}
        self._known_rests: dict[tuple[bytes, int], list[tuple[list[int], bool]]] = {}

    def siblings(self, output: int) -> Iterator[Explanation]:
        """Explanations of one or two features, alone or with a part of another output's explanation."""
        dependents = self.context.dependents(output)
        key = self._care_of(output), self.context.n_changes
        rests = self._known_rests.get(key) if len(dependents) == 1 else None
        if rests is None:
            rests = self._rests(self._peers(output, list(self.context.explanations), dependents), dependents)
            if len(dependents) == 1:
                self._known_rests[key] = rests
        tries = [_Try([], True, -1)] + [_Try(r, pairs, -1) for r, pairs in rests]
        return (explanation for explanation, _ in self._complete(output, tries))

    def steps(self, output: int, bases: Sequence[int]) -> Iterator[tuple[Explanation, int]]:
        """Explanations that build on one of some outputs, and that output: the next steps of chains."""
        peers = self._peers(output, bases, self.context.dependents(output))
        if not peers:
            return iter(())
        common, tries = self._common(output), []
        for q in peers:
            given = self._given(q, common)
            more = list(dict.fromkeys([*given, *common]))
            if given:
                tries += [_Try(f, True, q) for f in ([given, more] if len(more) > len(given) else [given])]
        return self._complete(output, [t for t in tries if len(t.given) <= _GIVEN])

    def _peers(self, output: int, among: Sequence[int], dependents: set[int]) -> list[int]:
        """Those that are explained by something, cared for on the same rows, and do not depend on it."""
        explanations, care = self.context.explanations, self._care_of(output)
        return [
            q
            for q in among
            if q in explanations
            and explanations[q].features
            and q not in dependents
            and self._care_of(q) == care
        ]

    def _care_of(self, output: int) -> bytes:
        """What outputs that are cared for on the same rows have in common."""
        known = self._care.get(output)
        if known is None:
            known = sha1(self.context.c[output].data, usedforsecurity=False).digest()
            if output < self.context.store.n_outputs:  # made-up targets come and go
                self._care[output] = known
        return known

    def _complete(self, output: int, tries: "Sequence[_Try]") -> Iterator[tuple[Explanation, int]]:
        """Given features with one more or two; and the output that they build on."""
        if not tries:
            return
        context = self.context
        pool = context.pool(output) if self.learn else list(context.live)
        most = _COMPLETION_WORDS if self.learn else _COMPLETION_WORDS // 4
        words = np.flatnonzero(context.c[output])[:most]
        number = {f: at for at, f in enumerate(dict.fromkeys(f for t in tries for f in t.given))}
        given = np.empty((len(number), words.shape[0]), np.uint64)
        for f, at in number.items():
            given[at] = context.column(f)[words]
        sets = np.full((len(tries), max(1, *(len(t.given) for t in tries))), -1, np.int64)
        for at, t in enumerate(tries):
            sets[at, : len(t.given)] = [number[f] for f in t.given]
        found = np.empty((_COMPLETIONS * len(tries), 3), np.int64)
        n = kernel.completions(
            context.pool_planes(pool, words),
            given,
            sets,
            np.array([t.pairs for t in tries]),
            context.y[output, words],
            context.c[output, words],
            _COMPLETIONS,
            found,
        )
        done = -1
        for at, p, q in found[:n].tolist():
            if at == done:
                continue
            own = sorted({pool[p], pool[q]} - set(tries[at].given))
            features = tries[at].given + own
            counts, wrong = context.tabulate(output, features)
            if not wrong and worth(context, output, counts, len(features), len(pool)):
                done = at
                yield Explanation.of(features, counts, own), tries[at].base

    def _rests(self, peers: Sequence[int], dependents: set[int]) -> list[tuple[list[int], bool]]:
        """What explanations of other outputs have without one feature or two: those that most have first."""
        one: dict[tuple[int, ...], int] = {}
        two: dict[tuple[int, ...], int] = {}
        for q in peers:
            features = self.context.explanations[q].features
            if not 2 <= len(features) <= 6 or any(-1 - f in dependents for f in features if f < 0):
                continue
            for f in features:
                rest = tuple(sorted(g for g in features if g != f))
                one[rest] = one.get(rest, 0) + 1
                for h in rest:
                    shorter = tuple(g for g in rest if g != h)
                    if shorter and f < h:
                        two[shorter] = two.get(shorter, 0) + 1
        found = [
            (list(r), False)
            for r in sorted(one, key=lambda r: (-one[r], r))[:_RESTS]
            if one[r] > 1 or len(one) < 64
        ]
        common = [r for r in sorted(two, key=lambda r: (-two[r], r))[:_COMMON] if two[r] > 1]
        return found + [(list(r), True) for r in common]

    def _common(self, output: int) -> list[int]:
        """Inputs that most wide explanations of outputs with the same care have: what they all depend on."""
        context = self.context
        wide = [
            e.features
            for q, e in context.explanations.items()
            if q != output and len(e.features) >= WIDE and self._care_of(q) == self._care_of(output)
        ]
        counts = Counter(f for features in wide for f in features if f >= 0)
        common = [f for f, n in counts.items() if n > max(_LEAST_PEERS, len(wide) // 2)]
        return sorted(common, key=lambda f: (-counts[f], f))[:_MOST_COMMON]

    def _given(self, base: int, common: Sequence[int]) -> list[int]:
        """What the next output of a chain builds on: an output, and what is new in its explanation."""
        context, explanation = self.context, self.context.explanations[base]
        if explanation.is_literal:
            return list(explanation.features)
        if explanation.own:
            return [*explanation.own, output_feature(base)]
        known = set(common)
        for f in explanation.features:
            if f < 0 and -1 - f in context.explanations:
                known |= {f, *context.explanations[-1 - f].features}
        own = [f for f in essential(explanation) if f not in known]
        return [*own, output_feature(base)] if own else []
