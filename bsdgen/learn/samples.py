"""Where rows come from: the bank at the start, and fresh rows that look for mistakes.

Uniform rows never reach rare events (two equal words, a carry through all bits), so most rows start from
recorded ones, if there are any: programs do take equal branches. All of it works on bits without order or
names.
"""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words


class RowSource:
    """Draws input rows.

    Parameters
    ----------
    n_inputs : width of a row in bits.
    recorded : (n, w) recorded rows, or None.
    """

    def __init__(self, n_inputs: int, recorded: U64 | None) -> None:
        self.n_inputs = n_inputs
        self.w = n_words(n_inputs)
        self.tail = np.full(self.w, np.uint64(0xFFFFFFFFFFFFFFFF))
        if n_inputs % 64:
            self.tail[-1] = (np.uint64(1) << np.uint64(n_inputs % 64)) - np.uint64(1)
        # bits above the inputs mean nothing; an oracle need not accept them
        self.recorded = recorded & self.tail if recorded is not None and recorded.shape[0] else None

    def uniform(self, rng: np.random.Generator, n: int) -> U64:
        """Independent fair bits."""
        return rng.integers(0, 1 << 64, (n, self.w), np.uint64, endpoint=False) & self.tail

    def biased(self, rng: np.random.Generator, n: int) -> U64:
        """Each row with a density of its own, from nearly all 0 to nearly all 1."""
        rows = self.uniform(rng, n)
        depth = rng.integers(0, 6, n)
        ones: NDArray[np.bool_] = np.less(rng.random(n), 0.5)
        for level in range(1, 6):
            deeper: NDArray[np.bool_] = np.greater_equal(depth, level)
            more = self.uniform(rng, n)
            rows = np.where((deeper & ones)[:, None], rows | more, rows)
            rows = np.where((deeper & ~ones)[:, None], rows & more, rows)
        return rows & self.tail

    def replayed(self, rng: np.random.Generator, n: int) -> U64:
        """Recorded rows."""
        if self.recorded is None:
            return self.biased(rng, n)
        return self.recorded[rng.integers(0, self.recorded.shape[0], n)]

    def flipped(self, rng: np.random.Generator, rows: U64) -> U64:
        """Rows with a few bits flipped: none to about one in eight, most often one or two."""
        n = rows.shape[0]
        depth = rng.integers(3, 9, n)
        flips = self.uniform(rng, n)
        for level in range(1, 9):
            flips = np.where(np.greater_equal(depth, level)[:, None], flips & self.uniform(rng, n), flips)
        return (rows ^ flips) & self.tail

    def mixed(self, rng: np.random.Generator, n: int) -> U64:
        """A quarter each: recorded, recorded with flips, biased, uniform; shuffled."""
        quarter = n // 4
        rows = np.concatenate(
            [
                self.replayed(rng, quarter),
                self.flipped(rng, self.replayed(rng, quarter)),
                self.biased(rng, quarter),
                self.uniform(rng, n - 3 * quarter),
            ]
        )
        return np.ascontiguousarray(rng.permutation(rows))

    def inside(
        self, rng: np.random.Generator, n: int, mask: U64, value: U64, which: NDArray[np.int64] | None = None
    ) -> U64:
        """Rows drawn as `mixed`, each forced into one of the cubes mask, value (m, w)."""
        cube = rng.integers(0, mask.shape[0], n) if which is None else which
        return (self.mixed(rng, n) & ~mask[cube]) | value[cube]
