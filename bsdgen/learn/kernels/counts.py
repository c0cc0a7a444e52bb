"""Compiled counts of set bits by group of rows."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32

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


@njit(cache=True, nogil=True)
def count_bit(rows: U64, group: I64, bit: I32, counts: I64) -> None:
    """Add to each group's count the rows in which the group's bit is set.

    rows (n, w); group (n,); bit, counts (g,).
    """
    for row in range(rows.shape[0]):
        at = group[row]
        counts[at] += np.int64((rows[row, bit[at] >> 6] >> np.uint64(bit[at] & 63)) & np.uint64(1))
