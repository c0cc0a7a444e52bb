"""Compiled loops of the search for sensitive rows: neighbours of rows, and how much they differ."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64

I64 = NDArray[np.int64]
_PAIRS = np.uint64(0x5555555555555555)
_FOURS = np.uint64(0x3333333333333333)
_EIGHTS = np.uint64(0x0F0F0F0F0F0F0F0F)


@njit(cache=True, nogil=True)
def neighbours(rows: U64, n_inputs: int, out: U64) -> None:  # pragma: no cover - compiled
    """Write each row, then the row with each bit flipped: rows (c, w), out (c * (1 + n_inputs), w)."""
    at = 0
    for row in range(rows.shape[0]):
        for flip in range(-1, n_inputs):
            for word in range(rows.shape[1]):
                out[at, word] = rows[row, word]
            if flip >= 0:
                out[at, flip >> 6] ^= np.uint64(1) << np.uint64(flip & 63)
            at += 1


@njit(cache=True, nogil=True)
def count_changes(outputs: U64, wanted: U64, scores: I64) -> None:  # pragma: no cover - compiled
    """Changes of wanted output bits over all flips of a row.

    outputs (c * (1 + n), w): answers to `neighbours`; wanted (c, w); scores (c,).
    """
    each = outputs.shape[0] // wanted.shape[0]
    for row in range(wanted.shape[0]):
        total = np.int64(0)
        for at in range(row * each + 1, (row + 1) * each):
            for word in range(outputs.shape[1]):
                x = (outputs[at, word] ^ outputs[row * each, word]) & wanted[row, word]
                x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
                x = (x & np.uint64(0x3333333333333333)) + (
                    (x >> np.uint64(2)) & np.uint64(0x3333333333333333)
                )
                x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
                total += np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))
        scores[row] = total
