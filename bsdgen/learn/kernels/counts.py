"""Compiled count of set bits by group of rows."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64

I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def count_bits(rows: U64, group: I64, counts: I64) -> None:
    """Add the set bits of packed rows to the counts of each row's group.

    rows (n, w); group (n,); counts (g, b), b at most 64 w.
    """
    for row in range(rows.shape[0]):
        for word in range(rows.shape[1]):
            left = rows[row, word]
            bit = word * 64
            while left:
                if left & np.uint64(1):
                    counts[group[row], bit] += 1
                left >>= np.uint64(1)
                bit += 1
