"""A context: rows inside which outputs are explained, and the explanations found so far.

Inside a context a *feature* (`bsdgen.learn.evidence.definitions`) may also be another output of the same row:
output q is the feature ``-1 - q``. Such a feature serves an output only where both are cared for, and no
output may lead back to itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.evidence.definitions import Definitions, Table
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.learn.kernels import evidence as kernel

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
_FIRST_WORDS = 8  # words on which most features are seen not to be an output
SAMPLE_WORDS = 400  # words of 64 rows on which searches run; what they find is held to all rows


def output_feature(output: int) -> int:
    """The feature that is an output of the same row.

    >>> output_feature(0), output_feature(5)
    (-1, -6)
    """
    return -1 - output


@dataclass(frozen=True)
class Explanation:
    """What an output is in a context: a table over features.

    Attributes
    ----------
    features : inputs, definitions, other outputs; none for a constant.
    counts : int64, shape (2**k, 2): rows that showed 0 and 1 in each cell; neither: no row was there.
    own : those of the features that it was completed with: what the next output of a chain builds on.
    inferred : (cell, value) of cells that no row met but other contexts tell
        (`bsdgen.learn.evidence.claims.cells`).
    """

    features: tuple[int, ...]
    counts: tuple[tuple[int, int], ...]
    own: tuple[int, ...] = ()
    inferred: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(features: Sequence[int], counts: I64, own: Sequence[int] = ()) -> "Explanation":
        """From counts by cell."""
        kept = tuple(f for f in own if f in features)
        return Explanation(tuple(features), tuple((int(a), int(b)) for a, b in counts), kept)

    @property
    def n_rows(self) -> int:
        """Rows that support it."""
        return sum(max(pair) for pair in self.counts)

    @property
    def is_constant(self) -> bool:
        """Whether it needs no feature."""
        return not self.features

    @property
    def is_literal(self) -> bool:
        """Whether it is a feature, or its complement."""
        return len(self.features) == 1

    def table(self) -> Table:
        """Values by cell: 1, 0, or -1 where no row was and nothing tells."""
        table = np.array([-1 if a == b == 0 else int(b > a) for a, b in self.counts], np.int8)
        for cell, value in self.inferred:
            table[cell] = value
        return table

    def restricted(self, fixed: Mapping[int, int]) -> "Explanation":
        """Without features that are fixed, and cells that can't be met then."""
        features, counts = list(self.features), np.array(self.counts, np.int64)
        for at in range(len(features) - 1, -1, -1):
            value = fixed.get(features[at])
            if value is not None:
                counts = counts[(np.arange(counts.shape[0]) >> at & 1) == value]
                del features[at]
        if len(features) == len(self.features) or not counts.sum():  # what its rows showed was elsewhere
            return self
        return Explanation.of(features, counts, self.own)


def filled(table: Table) -> Table:
    """The table with unseen cells like most of the nearest seen ones, 0 where these disagree."""
    value = table.copy()
    k = value.shape[0].bit_length() - 1
    cell = np.arange(value.shape[0])
    while (value < 0).any() and (value >= 0).any():
        near = np.stack([value[cell ^ (1 << j)] for j in range(k)])
        votes = np.where(near >= 0, 2 * near - 1, 0).sum(axis=0)
        found = (value < 0) & (near >= 0).any(axis=0)
        value = np.where(found, (votes > 0).astype(np.int8), value).astype(np.int8)
    return np.maximum(value, 0).astype(np.int8)


class RowContext:
    """Planes of a context's rows, and its explanations.

    Attributes
    ----------
    rows : int32, shape (n,), row numbers of the store, ascending.
    x, y, c : planes of inputs, of outputs (0 where uncared), of care.
    live : inputs that take both values.
    cared : int64, shape (n_outputs,): rows that care for each output.
    explanations : by output; those of the context that it was split off are among them.
    n_outputs : of the store, and targets that were added.
    n_changes : how often an explanation was kept.
    """

    def __init__(
        self, store: RowStore, definitions: Definitions, rows: I32, explanations: Mapping[int, Explanation]
    ) -> None:
        self.store, self.definitions, self.rows = store, definitions, rows
        self.explanations: dict[int, Explanation] = dict(explanations)
        self.x, self.y, self.c = store.planes(rows)
        self.n_outputs = store.n_outputs
        self.n = int(rows.shape[0])
        self.n_sample = min(self.x.shape[1], SAMPLE_WORDS)
        self.cared: I64 = np.bitwise_count(self.c).sum(axis=1).astype(np.int64)
        self.valid = np.full(self.x.shape[1], ~np.uint64(0))
        if self.n % 64:
            self.valid[-1] = (np.uint64(1) << np.uint64(self.n % 64)) - np.uint64(1)
        seen = [kernel.values_seen(plane, self.valid) for plane in self.x]
        self.live = [v for v, values in enumerate(seen) if values == 3]
        self.fixed = {v: int(values == 1) for v, values in enumerate(seen) if values != 3}
        self.n_changes = 0
        self._columns: dict[int, U64] = {v: self.x[v] for v in range(store.n_inputs)}
        self._covers: dict[int, list[int]] = {}
        self._live_planes: U64 | None = None
        self._used_by: dict[int, list[int]] = {}
        for output, explanation in self.explanations.items():
            self._register(output, explanation)

    def column(self, feature: int) -> U64:
        """The plane of a feature."""
        known = self.y[-1 - feature] if feature < 0 else self._columns.get(feature)
        return self.definitions.evaluate(feature, self._columns) if known is None else known

    def columns(self, features: Sequence[int], words: int | None = None) -> U64:
        """Planes of features: (k, b)."""
        width = self.x.shape[1] if words is None else min(words, self.x.shape[1])
        out = np.empty((len(features), width), np.uint64)
        for at, feature in enumerate(features):
            out[at] = self.column(feature)[:width]
        return out

    def add_target(self, y: U64, c: U64) -> int:
        """One more output, made up: its number. Its values where it is not cared for do not matter."""
        self.y = np.concatenate([self.y, (y & c)[None]])
        self.c = np.concatenate([self.c, c[None]])
        self.cared = np.append(self.cared, int(np.bitwise_count(c).sum()))
        self.n_outputs += 1
        return self.n_outputs - 1

    def drop_target(self) -> None:
        """Take the last added target back."""
        self.n_outputs -= 1
        self.y, self.c, self.cared = self.y[:-1], self.c[:-1], self.cared[:-1]
        self.explanations.pop(self.n_outputs, None)
        self._covers.pop(self.n_outputs, None)

    def open_outputs(self) -> list[int]:
        """Outputs that are cared for somewhere and not explained."""
        return [o for o in np.flatnonzero(self.cared).tolist() if o not in self.explanations]

    def explain(self, output: int, explanation: Explanation) -> None:
        """Keep an explanation."""
        self.explanations[output] = explanation
        self.n_changes += 1
        self._register(output, explanation)

    def forget(self, output: int) -> None:
        """Drop an explanation; what builds on it stays."""
        for f in self.explanations.pop(output).features:
            if f < 0:
                self._used_by[-1 - f].remove(output)
        self.n_changes += 1

    def replace(self, output: int, explanation: Explanation) -> None:
        """Keep another explanation instead."""
        for f in self.explanations[output].features:
            if f < 0:
                self._used_by[-1 - f].remove(output)
        self.explain(output, explanation)

    def _register(self, output: int, explanation: Explanation) -> None:
        for f in explanation.features:
            if f < 0:
                self._used_by.setdefault(-1 - f, []).append(output)

    def dependents(self, output: int) -> set[int]:
        """The output and all that are explained by it, directly or not."""
        found, stack = {output}, [output]
        while stack:
            for q in self._used_by.get(stack.pop(), ()):
                if q not in found:
                    found.add(q)
                    stack.append(q)
        return found

    def covering(self, output: int) -> list[int]:
        """Other outputs that are cared for wherever this one is, and take both values there."""
        if output not in self._covers:
            inside = np.zeros(self.n_outputs, np.bool_)
            kernel.covers(self.y, self.c, output, inside)
            inside[output] = False
            self._covers[output] = np.flatnonzero(inside).tolist()
        return self._covers[output]

    def pool(self, output: int, extra: Iterable[int] = (), copies: bool = False) -> list[int]:
        """Features that may explain an output: inputs, then explained outputs, then others.

        With `copies` outputs that are not explained are among them: an output may be equal to one of them,
        but a table over them would say how outputs depend on each other where nothing is understood yet.
        """
        features = list(self.live)
        dependents = self.dependents(output)
        for q in self.covering(output):
            explanation = self.explanations.get(q)
            usable = copies if explanation is None else len(explanation.features) > 1
            if usable and q not in dependents:
                features.append(-1 - q)
        return features + list(extra)

    def pool_planes(self, pool: Sequence[int], words: "int | I64 | None" = None) -> U64:
        """Planes of a pool, which begins with all live inputs; of the first words, or of chosen ones."""
        if self._live_planes is None:
            self._live_planes = np.ascontiguousarray(self.x[self.live])
        rest = pool[len(self.live) :]
        which = slice(None) if words is None else words if not isinstance(words, int) else slice(0, words)
        outputs = [-1 - f for f in rest if f < 0]
        parts = [self._live_planes[:, which], self.y[outputs][:, which]]
        if len(outputs) < len(rest):
            parts.append(self.columns(rest[len(outputs) :])[:, which])
        return np.concatenate(parts)

    def equal(self, output: int, pool: Sequence[int]) -> int | None:
        """The first feature of a pool that an output is, or the complement of, on all rows."""
        words = np.flatnonzero(self.c[output])[:_FIRST_WORDS]
        y, c = self.y[output], self.c[output]
        near = np.zeros(len(pool), np.bool_)
        kernel.equal_features(self.pool_planes(pool, words), y[words], c[words], near)
        for at in np.flatnonzero(near).tolist():
            if kernel.equal_feature(self.column(pool[at])[None], y, c) >= 0:
                return pool[at]
        return None

    def tabulate(self, output: int, features: Sequence[int], stop: int = 0) -> tuple[I64, int]:
        """Counts by cell on all rows, and how many rows contradict; more than `stop` cells end it early."""
        counts = np.zeros((1 << len(features), 2), np.int64)
        chosen = self.columns(features)
        return counts, int(kernel.tabulate(chosen, self.y[output], self.c[output], stop, counts))

    def resolve(self, output: int, memo: dict[int, int]) -> int | None:
        """The definition that an output is explained by, unseen cells filled; None if something is open.

        memo : results by output, filled in.
        """
        stack = [output]
        while stack:
            at = stack[-1]
            if at in memo:
                stack.pop()
                continue
            explanation = self.explanations.get(at)
            if explanation is None:
                return None
            missing = [-1 - f for f in explanation.features if f < 0 and -1 - f not in memo]
            if missing:
                stack += missing
                continue
            features = [memo[-1 - f] if f < 0 else f for f in explanation.features]
            memo[at] = self.definitions.make(features, filled(explanation.table()))
        return memo[output]
