"""Where rows come from: the bank at the start, and fresh rows that look for mistakes.

Uniform rows never reach rare events (two equal words, a carry through all bits), so most rows start from
recorded ones, if there are any: programs do take equal branches; and from sensitive ones, which are searched
for (`bsdgen.learn.climb`). All of it works on bits without order, names or polarity.
"""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.learn.climb import climb, n_climbers
from bsdgen.learn.kernels import draw as kernel
from bsdgen.learn.queries import Queries

_STREAM = 0x636C696D  # sets the search's random numbers apart from others of the same seed
_ROWS_PER_BIT = 40
_TYPICAL = 1024  # rows of the first bank, or three quarters of it, that are not chosen for what matters there
_LEAST_BANK = 2048
_THREADED = 1 << 17  # words from which threads pay


def bank_rows(most: int, least: int, n_bits: int) -> int:
    """Rows of the first bank of a function with `n_bits` inputs and outputs: a multiple of 64.

    The more there is to tell apart, the more rows are needed, up to `most`; never fewer than `least`.
    """
    wanted = max(least, _LEAST_BANK, _ROWS_PER_BIT * n_bits)
    return min(most, -(-wanted // 64) * 64)


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
        self.sensitive = np.zeros((0, self.w), np.uint64)  # none before `search`

    def search(self, queries: Queries, seed: int) -> None:
        """Look for sensitive rows (`bsdgen.learn.climb`), the same ones for the same oracle and seed."""
        rng = np.random.default_rng([_STREAM, seed])
        start = self.uniform(rng, n_climbers(queries))
        if self.recorded is not None:
            half = start.shape[0] // 2
            start[:half] = self.replayed(rng, half)
        self.sensitive = climb(queries, start, rng)

    def uniform(self, rng: np.random.Generator, n: int) -> U64:
        """Independent fair bits."""
        return self._draw(rng, n, kernel.UNIFORM, self._recorded())

    def biased(self, rng: np.random.Generator, n: int) -> U64:
        """Each row with a density of its own, from nearly all 0 to nearly all 1.

        That shows carries and equal words where all bits of a word have the same polarity.
        """
        return self._draw(rng, n, kernel.BIASED, self._recorded())

    def replayed(self, rng: np.random.Generator, n: int) -> U64:
        """Recorded rows; biased ones if there are none."""
        return self._draw(rng, n, kernel.RECORDED, self._recorded())

    def flipped(self, rng: np.random.Generator, rows: U64) -> U64:
        """Any of the rows, as many as there are, with a few bits flipped: none to about one in sixteen."""
        return self._draw(rng, rows.shape[0], kernel.FLIPPED, rows)

    def mixed(self, rng: np.random.Generator, n: int) -> U64:
        """About a quarter each: recorded, recorded with flips, biased, uniform; in any order.

        After `search` half of the uniform ones are sensitive rows with a few bits flipped instead.
        """
        return self._draw(rng, n, kernel.MIXED, self._recorded())

    def bank(self, rng: np.random.Generator, n: int, queries: Queries, seed: int) -> U64:
        """Rows of a first bank, `mixed` ones; among the first 1,024 there are no sensitive ones.

        Control variables and orders are read off the first rows. How often a variable matters tells what it
        is for, but not on rows that were chosen for what matters there.
        """
        first = self.mixed(rng, min(_TYPICAL, n - n // 4))
        self.search(queries, seed)
        return np.concatenate([first, self.mixed(rng, n - first.shape[0])])

    def inside(
        self, rng: np.random.Generator, n: int, mask: U64, value: U64, which: NDArray[np.int64] | None = None
    ) -> U64:
        """Rows drawn as `mixed`, each forced into one of the cubes mask, value (m, w)."""
        return self._draw(rng, n, kernel.MIXED, self._recorded(), (mask, value), which)

    def _recorded(self) -> U64:
        return np.zeros((0, self.w), np.uint64) if self.recorded is None else self.recorded

    def _draw(
        self,
        rng: np.random.Generator,
        n: int,
        kind: int,
        recorded: U64,
        cubes: tuple[U64, U64] | None = None,
        which: NDArray[np.int64] | None = None,
    ) -> U64:
        out = np.empty((n, self.w), np.uint64)
        key = rng.integers(0, 1 << 64, dtype=np.uint64)
        mask, value = (out[:0], out[:0]) if cubes is None else cubes
        chosen = np.zeros(0, np.int64) if which is None else which
        if out.size < _THREADED:
            kernel.draw_part(key, kind, recorded, self.sensitive, self.tail, mask, value, chosen, out, 0, n)
        else:
            kernel.draw(key, kind, recorded, self.sensitive, self.tail, mask, value, chosen, out)
        return out
