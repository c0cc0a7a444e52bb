"""Compiled loops of the search for sensitive rows: neighbours of rows, and which are better."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels.influence import popcount

I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def neighbours(rows: U64, flips: I64, n_inputs: int, out: U64) -> None:  # pragma: no cover - compiled
    """Write each row with one bit changed, then that with each bit flipped.

    rows (c, w); flips (c,): the bit that is changed, -1 for none; out (c * (1 + n_inputs), w).
    """
    at = 0
    for row in range(rows.shape[0]):
        first = at
        for flip in range(-1, n_inputs):
            for word in range(rows.shape[1]):
                out[at, word] = out[first, word] if flip >= 0 else rows[row, word]
            bit = flip if flip >= 0 else flips[row]
            if bit >= 0:
                out[at, bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
            at += 1


@njit(cache=True, nogil=True)
def keep_better(
    outputs: U64, wanted: U64, tried: U64, rows: U64, best: I64
) -> None:  # pragma: no cover - compiled
    """Take the rows that were tried unless fewer flips of them matter.

    outputs (c * (1 + n), w): answers to `neighbours`, which wrote tried; wanted (c, w): output bits whose
    changes count; rows (c, w), best (c,): rows so far and their changes.
    """
    each = outputs.shape[0] // wanted.shape[0]
    for row in range(wanted.shape[0]):
        total = np.int64(0)
        for at in range(row * each + 1, (row + 1) * each):
            for word in range(outputs.shape[1]):
                total += popcount((outputs[at, word] ^ outputs[row * each, word]) & wanted[row, word])
        if total >= best[row]:
            best[row] = total
            for word in range(rows.shape[1]):
                rows[row, word] = tried[row * each, word]
