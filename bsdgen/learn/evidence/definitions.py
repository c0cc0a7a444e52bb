"""Definitions: functions of the inputs as tables over inputs and other definitions, equal ones kept once.

A *feature* is a number: below `n_inputs` it is that input, from there on the definition with the number
``feature - n_inputs``. A table of k features has 2**k cells; feature 0 is the least significant bit of a
cell's number. Features of a definition are smaller than its own number, ascend, and all matter; none of them
is a constant or the complement of another feature (its complement is worked into the table).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels import evidence as kernel

Table = NDArray[np.int8]


class Definitions:
    """A store of definitions; only grows.

    Examples
    --------
    >>> d = Definitions(3)
    >>> both = d.make((0, 1), [0, 0, 0, 1])
    >>> d.make((1, 0), [0, 0, 0, 1]) == both, d.make((2, 2), [0, 1, 1, 1]), d.make((0,), [1, 1])
    (True, 2, 4)
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.features: list[tuple[int, ...]] = []
        self.tables: list[bytes] = []
        self.supports: list[int] = []  # bit sets of inputs
        self._numbers: dict[tuple[tuple[int, ...], bytes], int] = {}

    def __len__(self) -> int:
        return len(self.features)

    def constant(self, value: int) -> int:
        """The number of a constant."""
        return self._put((), bytes([value]))

    def constant_value(self, feature: int) -> int | None:
        """0 or 1 for a constant, None for anything else."""
        if feature < self.n_inputs or self.features[feature - self.n_inputs]:
            return None
        return self.tables[feature - self.n_inputs][0]

    def n_features(self, feature: int) -> int:
        """Features of a definition's table; 1 for an input."""
        return 1 if feature < self.n_inputs else len(self.features[feature - self.n_inputs])

    def support(self, feature: int) -> int:
        """Inputs that a feature is made of, as a bit set."""
        return 1 << feature if feature < self.n_inputs else self.supports[feature - self.n_inputs]

    def make(self, features: Sequence[int], table: "Sequence[int] | Table") -> int:
        """The number of a table over features, normalised; it may be a feature itself."""
        key = tuple(features), np.asarray(table, np.int8).tobytes()
        known = self._numbers.get(key)
        return known if known is not None else self._normalised(key[0], key[1])

    def _normalised(self, features: tuple[int, ...], table: bytes) -> int:
        k = len(features)
        cube = np.frombuffer(table, np.int8).reshape((2,) * k).transpose(range(k)[::-1])  # axis j: feature j
        kept: list[int] = []
        for given in features:
            feature, axis = given, len(kept)
            own: tuple[tuple[int, ...], bytes] = (), b""
            if feature >= self.n_inputs:
                own = self.features[feature - self.n_inputs], self.tables[feature - self.n_inputs]
                if not own[0]:
                    cube = np.asarray(cube.take(own[1][0], axis=axis))
                    continue
                if len(own[0]) == 1:  # a complement
                    cube, feature = np.flip(cube, axis), own[0][0]
            if feature in kept:
                cube = np.diagonal(cube, axis1=kept.index(feature), axis2=axis)
                cube = np.moveaxis(cube, -1, kept.index(feature))
                continue
            kept.append(feature)
        for axis in range(len(kept) - 1, -1, -1):
            if np.array_equal(cube.take(0, axis=axis), cube.take(1, axis=axis)):
                cube = np.asarray(cube.take(0, axis=axis))
                del kept[axis]
        order = sorted(range(len(kept)), key=kept.__getitem__)
        cube = cube.transpose(order)
        flat = np.ascontiguousarray(cube.transpose(range(len(kept))[::-1])).tobytes()
        if flat == b"\0\1":
            return kept[order[0]]
        return self._put(tuple(kept[at] for at in order), flat)

    def _put(self, features: tuple[int, ...], table: bytes) -> int:
        key = features, table
        known = self._numbers.get(key)
        if known is None:
            known = self.n_inputs + len(self.features)
            support = 0
            for feature in features:
                support |= self.support(feature)
            self.features.append(features)
            self.tables.append(table)
            self.supports.append(support)
            self._numbers[key] = known
        return known

    def substituted(self, feature: int, images: Mapping[int, int], memo: dict[int, int]) -> int:
        """The feature with inputs replaced by other features.

        Parameters
        ----------
        images : what stands for an input; inputs that are not in it stay.
        memo : results for the same images, filled in.
        """
        stack = [feature]
        while stack:
            at = stack[-1]
            if at in memo:
                stack.pop()
            elif at < self.n_inputs:
                memo[at] = images.get(at, at)
            else:
                features = self.features[at - self.n_inputs]
                missing = [f for f in features if f not in memo]
                if missing:
                    stack += missing
                    continue
                new = [memo[f] for f in features]
                table = np.frombuffer(self.tables[at - self.n_inputs], np.int8)
                memo[at] = at if new == list(features) else self.make(new, table)
        return memo[feature]

    def evaluate(self, feature: int, columns: dict[int, U64]) -> U64:
        """The plane of a feature; `columns` holds those of the inputs and is filled in."""
        found = columns.get(feature)
        if found is not None:
            return found
        stack = [feature]
        width = columns[0].shape[0] if 0 in columns else next(iter(columns.values())).shape[0]
        while stack:
            at = stack[-1]
            if at in columns:
                stack.pop()
                continue
            features = self.features[at - self.n_inputs]
            missing = [f for f in features if f not in columns]
            if missing:
                stack += missing
                continue
            chosen = np.empty((len(features), width), np.uint64)
            for j, f in enumerate(features):
                chosen[j] = columns[f]
            out = np.empty(width, np.uint64)
            kernel.apply_table(chosen, np.frombuffer(self.tables[at - self.n_inputs], np.int8), out)
            columns[at] = out
        return columns[feature]

    def reached(self, roots: Sequence[int]) -> list[int]:
        """Definitions that features are made of, in ascending order."""
        seen: set[int] = set()
        stack = [root for root in roots if root >= self.n_inputs]
        while stack:
            at = stack.pop()
            if at not in seen:
                seen.add(at)
                stack += [f for f in self.features[at - self.n_inputs] if f >= self.n_inputs]
        return sorted(seen)
