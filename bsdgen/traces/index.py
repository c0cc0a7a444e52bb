"""Finding packed rows again: hashing, removal of duplicates, look-up.

An index is a table of int32 slots (a power of two of them, at least twice as many as rows) that hold row
numbers or
-1; a row stands in the first free slot from its hash on (linear probing).
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64

_MAX_RIVALS = 16  # contradicting answers to one question that are still compared with each other
_CHUNK = 8192  # rows a thread takes at a time; no other thread is woken for fewer


@njit(cache=True, nogil=True, inline="always")
def _hash(row: U64) -> np.uint64:
    """Mix of all words of a row (multiply and xor-shift, after Steele's SplitMix64)."""
    value = np.uint64(0x9E3779B97F4A7C15)
    for word in range(row.shape[0]):
        value ^= row[word]
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(29)
        value *= np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(32)
    return value


@njit(cache=True, nogil=True, inline="always")
def _equal(a: U64, b: U64) -> bool:
    equal = True
    for word in range(a.shape[0]):
        equal &= a[word] == b[word]
    return equal


@njit(cache=True, nogil=True, inline="always")
def _merge(outputs: U64, care: U64, more_outputs: U64, more_care: U64) -> bool:
    """Add an answer to a compatible one; False, and no change, if they contradict each other."""
    for word in range(outputs.shape[0]):
        if (outputs[word] ^ more_outputs[word]) & care[word] & more_care[word]:
            return False
    for word in range(outputs.shape[0]):
        new = more_care[word] & ~care[word]
        outputs[word] = (outputs[word] & ~new) | (more_outputs[word] & new)
        care[word] |= new
    return True


@njit(cache=True, nogil=True)
def _distinct(
    inputs: U64, outputs: U64, care: U64, slots: NDArray[np.int32], keep: NDArray[np.int32]
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Merge rows into the first compatible one with the same inputs: (rows kept, contradicting rows)."""
    mask = np.uint64(slots.shape[0] - 1)
    n_kept = 0
    n_contradictions = 0
    for row in range(inputs.shape[0]):
        slot = _hash(inputs[row]) & mask
        rivals = 0
        merged = False
        while slots[slot] >= 0:
            first = slots[slot]
            if rivals < _MAX_RIVALS and _equal(inputs[first], inputs[row]):
                if _merge(outputs[first], care[first], outputs[row], care[row]):
                    merged = True
                    break
                rivals += 1
            slot = (slot + np.uint64(1)) & mask
        if not merged:
            slots[slot] = row
            keep[n_kept] = row
            n_kept += 1
            if rivals:
                n_contradictions += 1
    return n_kept, n_contradictions


@njit(cache=True, nogil=True)
def _build(rows: U64, slots: NDArray[np.int32]) -> None:  # pragma: no cover - compiled
    mask = np.uint64(slots.shape[0] - 1)
    for row in range(rows.shape[0]):
        slot = _hash(rows[row]) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = row


@njit(cache=True, nogil=True)
def _look_up(
    rows: U64, slots: NDArray[np.int32], wanted: U64, out: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    mask = np.uint64(slots.shape[0] - 1)
    for i in range(wanted.shape[0]):
        slot = _hash(wanted[i]) & mask
        found = np.int64(-1)
        while slots[slot] >= 0:
            if _equal(rows[slots[slot]], wanted[i]):
                found = np.int64(slots[slot])
                break
            slot = (slot + np.uint64(1)) & mask
        out[i] = found


@njit(cache=True, nogil=True, parallel=True)
def _look_up_chunks(
    rows: U64, slots: NDArray[np.int32], wanted: U64, out: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    n = wanted.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        part = slice(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK))
        _look_up(rows, slots, wanted[part], out[part])


def _empty_slots(n_rows: int) -> NDArray[np.int32]:
    return np.full(1 << max(4, (2 * n_rows).bit_length()), -1, np.int32)


def distinct_rows(inputs: U64, outputs: U64, care: U64) -> tuple[U64, U64, U64, int]:
    """One row a question.

    Rows with the same inputs whose outputs agree wherever both are cared become one, cared where either was.
    Rows that contradict an earlier one stay, each as a row of its own. (Of more than 16 different answers to
    one question the later ones are kept without being compared to each other.)

    Parameters
    ----------
    inputs, outputs, care : uint64, shape (n, words)
        Packed rows (`bsdgen.bits`).

    Returns
    -------
    inputs, outputs, care : uint64
        In order of first occurrence.
    n_contradictions : int
        How many of these rows contradict an earlier one.
    """
    outputs, care = outputs.copy(), care.copy()
    keep = np.empty(inputs.shape[0], np.int32)
    n_kept, n_contradictions = _distinct(
        np.ascontiguousarray(inputs), outputs, care, _empty_slots(inputs.shape[0]), keep
    )
    kept = keep[:n_kept]
    return inputs[kept], outputs[kept], care[kept], int(n_contradictions)


@dataclass(frozen=True, eq=False)
class RowIndex:
    """Row numbers by content.

    Examples
    --------
    >>> import numpy as np
    >>> index = RowIndex(np.array([[5], [7]], np.uint64))
    >>> index.find(np.array([[7], [6]], np.uint64)).tolist()
    [1, -1]
    """

    rows: U64
    _slots: NDArray[np.int32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        slots = _empty_slots(self.rows.shape[0])
        _build(self.rows, slots)
        object.__setattr__(self, "_slots", slots)

    def find(self, wanted: U64) -> NDArray[np.int64]:
        """The first row equal to each of `wanted`, or -1.

        Parameters
        ----------
        wanted : uint64, shape (n, words)

        Returns
        -------
        int64, shape (n,)
        """
        out = np.empty(wanted.shape[0], np.int64)
        look_up = _look_up if wanted.shape[0] <= _CHUNK else _look_up_chunks
        look_up(self.rows, self._slots, np.ascontiguousarray(wanted), out)
        return out
