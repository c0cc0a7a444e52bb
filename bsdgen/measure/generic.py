"""Vectors for any schema: each class is a way to draw the input fields."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.measure.strata import BLOCK, Axes
from bsdgen.traces.schema import Schema

_STREAM = 0x6D656173  # sets this stream of random numbers apart from every other use of the same seed


class GenericStrata:
    """Uniform, sparse and dense words, small numbers, and relations between fields of the same width.

    Parameters
    ----------
    schema : its input fields are drawn.
    """

    def __init__(self, schema: Schema) -> None:
        self._widths = np.array([field.width for field in schema.inputs], np.uint64)
        self._ones = np.array([(1 << field.width) - 1 for field in schema.inputs], np.uint64)[:, np.newaxis]
        groups: dict[int, list[int]] = {}
        for index, field in enumerate(schema.inputs):
            groups.setdefault(field.width, []).append(index)
        self._groups = [group for group in groups.values() if len(group) > 1]
        kinds: dict[str, Callable[[np.random.Generator, int], U64]] = {
            "uniform": self._uniform,
            "sparse": self._sparse,
            "dense": self._dense,
            "small": self._small,
            "border": self._border,
        }
        if self._groups:
            kinds |= {"equal": self._equal, "one bit": self._one_bit, "off by one": self._off_by_one}
        self._kinds = kinds

    @property
    def stream(self) -> str:
        """Name of what is drawn here; another one whenever a seed gives other vectors."""
        return "generic-1"

    @property
    def axes(self) -> Axes:
        """Strata are the ways to draw."""
        names = tuple(self._kinds)
        return Axes(names, names, class_of=np.arange(len(names)))

    @property
    def distributions(self) -> tuple[str, ...]:
        """The same: here a class is a distribution."""
        return tuple(self._kinds)

    def draw(self, seed: int, block: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw a block; see `bsdgen.measure.strata.Strata.draw`."""
        return self.draw_from(np.random.default_rng(np.random.SeedSequence([_STREAM, seed, block])), BLOCK)

    def draw_from(self, rng: np.random.Generator, n: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw `n` vectors, the kinds in turn: the same as of `draw`, in shape (n_input_fields, n)."""
        columns = np.empty((self._widths.size, n), np.uint64)
        for first, kind in enumerate(self._kinds.values()):
            columns[:, first :: len(self._kinds)] = kind(rng, len(range(first, n, len(self._kinds))))
        return columns & self._ones, np.arange(n) % len(self._kinds)

    def describe(self, inputs: Mapping[str, int]) -> str:
        """Nothing is known of a generic vector but its fields."""
        return ""

    def _uniform(self, rng: np.random.Generator, n: int) -> U64:
        return rng.integers(0, 1 << 64, (self._widths.size, n), np.uint64)

    def _sparse(self, rng: np.random.Generator, n: int) -> U64:
        """About one bit in eight set."""
        return self._uniform(rng, n) & self._uniform(rng, n) & self._uniform(rng, n)

    def _dense(self, rng: np.random.Generator, n: int) -> U64:
        return ~self._sparse(rng, n)

    def _small(self, rng: np.random.Generator, n: int) -> U64:
        return rng.integers(-8, 9, (self._widths.size, n)).view(np.uint64)

    def _border(self, rng: np.random.Generator, n: int) -> U64:
        """Each field within one of 0 or of its sign border, or a lone bit."""
        top = np.uint64(1) << (self._widths - np.uint64(1))[:, np.newaxis]
        near = rng.integers(-1, 2, (self._widths.size, n)).view(np.uint64)
        lone = np.uint64(1) << (self._uniform(rng, n) % self._widths[:, np.newaxis])
        return np.choose(rng.integers(0, 3, near.shape), [near, top + near, lone])

    def _related(self, rng: np.random.Generator, n: int, change: Callable[[U64, int], U64]) -> U64:
        """Every field of a group becomes a changed copy of the group's first field."""
        words = self._uniform(rng, n)
        for group in self._groups:
            for index in group[1:]:
                words[index] = change(words[group[0]], index)
        return words

    def _equal(self, rng: np.random.Generator, n: int) -> U64:
        return self._related(rng, n, lambda word, _: word)

    def _one_bit(self, rng: np.random.Generator, n: int) -> U64:
        return self._related(
            rng,
            n,
            lambda word, index: (
                word ^ (np.uint64(1) << rng.integers(0, int(self._widths[index]), n).astype(np.uint64))
            ),
        )

    def _off_by_one(self, rng: np.random.Generator, n: int) -> U64:
        """Neighbours, half of them across a run of low zeros (so that a borrow runs through it)."""
        words = self._uniform(rng, n)
        low = (np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64)) - np.uint64(1)
        cleared = rng.random(n) < 0.5
        for group in self._groups:
            words[group[0]] = np.where(cleared, words[group[0]] & ~low, words[group[0]])
            for index in group[1:]:
                words[index] = words[group[0]] + rng.choice(np.array([1, -1]), n).view(np.uint64)
        return words
