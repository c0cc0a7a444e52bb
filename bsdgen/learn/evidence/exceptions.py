"""Exceptions: where another context's explanations hold on a part of the rows, which part is a target itself.

The rows on which a whole vector of outputs is as elsewhere are told apart from the others by one bit; a table
over virtual features explains it (a comparison), or a monomial (two words are equal), found as the least set
of literals that hits every other row (minimal hitting sets: Reiter, Artificial Intelligence 32, 1987; here
greedily, as in set cover).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import Virtual, resolved
from bsdgen.learn.kernels import evidence as kernel

_WORDS = 64  # words of 64 rows on which vectors are compared
_LEAST_OUTPUTS = 8  # that a vector must have
_CARED = 0.3  # share of the rows on which they are cared for
_SHARE = (0.03, 0.97)  # of the rows that a vector may hold on
_CHANCE = 0.0005  # rows on which it may hold by chance
_MONOMIAL_ROWS = 40
_MOST_LITERALS = 64
_VIOLATED = 0.005  # share of the rows of an exception on which a literal may be wrong
_OFTEN = 0.3  # share of the rows that an exception leaves to what is known, to split for it
_GAIN_WORDS = 256
_BIAS = 10.0  # see `bsdgen.learn.evidence.split`
_CONTROL_GAIN = 0.02


class Exceptions:
    """Looks for the guard that tells where another context's explanations hold."""

    def __init__(
        self, context: RowContext, nodes: Sequence[Node], virtual: Virtual, templates: Templates
    ) -> None:
        self.context, self.nodes, self.virtual, self.templates = context, nodes, virtual, templates

    def guard(self, control: bool = False) -> int | None:
        """The feature to split on; None if there is none.

        With `control`, where the exception is known but not explained, the input that decides most which
        virtual feature tells it.
        """
        found = self._indicator()
        if found is None:
            return None
        y, c = found
        context = self.context
        target = context.add_target(y, c)
        extra = self.virtual.promising(y, c, pairs=True)
        Explainer(context, self.templates, learn=False, tolerance=_CHANCE).full([target], extra, patience=1)
        definition = context.resolve(target, {}) if target in context.explanations else None
        context.drop_target()
        if definition is None:
            definition = self._monomial(y, c)
        if definition is not None and self._splits(definition):
            return definition
        share = int(np.bitwise_count(y & c).sum()) / max(1, int(np.bitwise_count(c).sum()))
        return self._control(y, c, extra) if control and share > _OFTEN else None

    def _control(self, y: U64, c: U64, virtual: Sequence[int]) -> int | None:
        """The input in whose halves virtual features tell most of the target."""
        context = self.context
        words = min(context.n_sample, _GAIN_WORDS)
        y, c = y[None, :words].copy(), c[None, :words].copy()
        best = np.zeros(len(context.live), np.float64)
        for at, variable in enumerate(context.live):
            features = [f for f in virtual if not context.definitions.support(f) >> variable & 1]
            x = np.ascontiguousarray(context.x[variable : variable + 1, :words])
            kernel.split_gains(x, context.columns(features, words), y, c, _BIAS, best[at : at + 1])
        best /= min(context.n, 64 * words)
        at = int(np.argmax(best))
        return context.live[at] if best[at] > _CONTROL_GAIN else None

    def _splits(self, definition: int) -> bool:
        rows = self.context.column(definition) & self.context.valid
        n = int(np.bitwise_count(rows).sum())
        return 0 < n < self.context.n

    def _indicator(self) -> tuple[U64, U64] | None:
        """Where the best supported vector of another context holds, and where that can be said."""
        context = self.context
        outputs = self._vector_outputs()
        if len(outputs) < _LEAST_OUTPUTS:
            return None
        words = min(context.x.shape[1], _WORDS)
        columns = {v: np.ascontiguousarray(context.x[v, :words]) for v in range(context.store.n_inputs)}
        support: dict[tuple[int, ...], int] = {}
        for node in self.nodes:
            if not node.is_leaf or not node.cared.size:
                continue
            known = resolved(node, context.definitions)
            if any(o not in known or not node.cared[o] for o in outputs):
                continue
            vector = tuple(known[o] for o in outputs)
            constant = sum(context.definitions.constant_value(d) is not None for d in vector)
            if constant <= len(outputs) // 2:
                support[vector] = support.get(vector, 0) + node.rows.shape[0]
        care = np.bitwise_or.reduce(context.c[outputs], axis=0)
        n = int(np.bitwise_count(care[:words]).sum())
        for vector in sorted(support, key=lambda v: (-support[v], v)):
            wrong = np.zeros(words, np.uint64)
            for o, d in zip(outputs, vector, strict=True):
                wrong |= (context.definitions.evaluate(d, columns) ^ context.y[o, :words]) & context.c[
                    o, :words
                ]
            share = 1 - int(np.bitwise_count(wrong).sum()) / max(n, 1)
            if _SHARE[0] < share < _SHARE[1]:
                return self._completed(outputs, vector, care)
        return None

    def _vector_outputs(self) -> list[int]:
        """Outputs with the care that most open ones have, and both values."""
        context = self.context
        groups: dict[bytes, int] = {}
        for o in context.open_outputs():
            if context.cared[o] > _CARED * context.n:
                key = context.c[o].tobytes()
                groups[key] = groups.get(key, 0) + 1
        if not groups:
            return []
        key = max(groups, key=lambda k: (groups[k], k))
        return [
            o
            for o in range(context.n_outputs)
            if context.c[o].tobytes() == key and kernel.values_seen(context.y[o], context.c[o]) == 3
        ]

    def _completed(self, outputs: list[int], vector: tuple[int, ...], care: U64) -> tuple[U64, U64]:
        """The indicator on all rows, with outputs that are always cared for and constant where it holds."""
        context = self.context
        wrong = np.zeros(context.x.shape[1], np.uint64)
        for o, d in zip(outputs, vector, strict=True):
            wrong |= (context.column(d) ^ context.y[o]) & context.c[o]
        for o in context.open_outputs():
            if o in outputs or context.cared[o] != context.n:
                continue
            values = kernel.values_seen(context.y[o], ~wrong & care)
            if values == 1:
                wrong |= ~context.y[o]
            elif values == 2:
                wrong |= context.y[o]
            else:
                continue
            care = context.valid.copy()
        care = care & context.valid
        return ~wrong & care, care

    def monomials(self) -> None:
        """Explain open outputs as an AND of literals, or the complement of one, that no row contradicts."""
        context = self.context
        memo: dict[int, int] = {}
        for output in context.open_outputs():
            resolved_peers = [context.resolve(q, memo) for q in context.covering(output)]
            peers = [d for d in resolved_peers if d is not None and d >= context.store.n_inputs]
            definition = self._monomial(context.y[output], context.c[output], peers, exact=True)
            if definition is not None:
                counts, wrong = context.tabulate(output, [definition])
                if not wrong:
                    context.explain(output, Explanation.of([definition], counts))

    def _monomial(self, y: U64, c: U64, peers: Sequence[int] = (), exact: bool = False) -> int | None:
        """The target, or its complement, as an AND of literals; as a definition."""
        context = self.context
        given = list(dict.fromkeys([*context.live, *peers]))
        for flip in (0, 1):
            ones = (~y if flip else y) & c
            zeros = (y if flip else ~y) & c
            n_ones, n_zeros = int(np.bitwise_count(ones).sum()), int(np.bitwise_count(zeros).sum())
            if min(n_ones, n_zeros) < _MONOMIAL_ROWS:
                continue
            few = 0 if exact else int(_VIOLATED * n_ones)  # an exception may hold by chance, too
            features = list(dict.fromkeys(given + self._equal_inputs(ones) + self._nearly_fixed(ones, few)))
            planes = context.columns(features)
            high = np.bitwise_count(planes & ones).sum(axis=1).astype(np.int64)
            is_one = high >= n_ones - few
            literals = np.flatnonzero(is_one != (high <= few))
            if not literals.size:
                continue
            # On a row that is no one, some literal of the monomial is violated.
            violated = np.where(is_one[literals][:, None], ~planes[literals], planes[literals])
            rest = zeros.copy()
            chosen: list[int] = []
            while rest.any() and len(chosen) < _MOST_LITERALS:
                hits = np.bitwise_count(violated & rest).sum(axis=1)
                at = int(np.argmax(hits))
                if not hits[at]:
                    break
                chosen.append(at)
                rest &= ~violated[at]
            left = int(np.bitwise_count(rest).sum())
            enough = left == 0 if exact else left <= 0.01 * n_ones and left <= 0.002 * (n_ones + n_zeros)
            if enough and len(chosen) > 1:
                return self._and(
                    [(features[literals[at]], bool(is_one[literals[at]])) for at in chosen], flip
                )
        return None

    def _nearly_fixed(self, ones: U64, few: int) -> list[int]:
        """Virtual features that have one value on all but few of a target's first rows: most have not."""
        planes = self.virtual.planes
        first = ones[: planes.shape[1]]
        n = int(np.bitwise_count(first).sum())
        high = np.bitwise_count(planes & first).sum(axis=1).astype(np.int64)
        return [self.virtual.features[at] for at in np.flatnonzero(np.minimum(high, n - high) <= few)]

    def _equal_inputs(self, ones: U64) -> list[int]:
        """Exclusive ors of two inputs that are equal, or complements, on all rows of the target."""
        context = self.context
        groups: dict[bytes, list[int]] = {}
        for variable in context.live:
            plane = context.x[variable] & ones
            other = ~context.x[variable] & ones
            if plane.any() and other.any():
                groups.setdefault(min(plane.tobytes(), other.tobytes()), []).append(variable)
        pairs = [pair for group in groups.values() for pair in pairwise(group)]
        return [context.definitions.make(pair, [0, 1, 1, 0]) for pair in pairs]

    def _and(self, literals: list[tuple[int, bool]], flip: int) -> int:
        definitions = self.context.definitions
        made = definitions.constant(1)
        for feature, value in literals:
            made = definitions.make((made, feature), [0, 0, 0, 1] if value else [0, 1, 0, 0])
        return definitions.make((made,), [1, 0]) if flip else made
