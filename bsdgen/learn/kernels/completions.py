"""Compiled search for features that complete a table; planes are those of `bsdgen.learn.kernels.evidence`."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64

I64 = NDArray[np.int64]
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_CONFLICTS = 48  # pairs of rows that completions are held to before all


@njit(cache=True, nogil=True)
def _contradicted(ones: U64, zeros: U64, f: U64, g: U64) -> bool:
    """Whether a cell of two more features holds both a one and a zero; ones, zeros (m, b) by cell."""
    for cell in range(ones.shape[0]):
        o00 = _ZERO
        o01 = _ZERO
        o10 = _ZERO
        o11 = _ZERO
        z00 = _ZERO
        z01 = _ZERO
        z10 = _ZERO
        z11 = _ZERO
        for i in range(f.shape[0]):
            one = ones[cell, i]
            zero = zeros[cell, i]
            o11 |= one & f[i] & g[i]
            o10 |= one & f[i] & ~g[i]
            o01 |= one & ~f[i] & g[i]
            o00 |= one & ~f[i] & ~g[i]
            z11 |= zero & f[i] & g[i]
            z10 |= zero & f[i] & ~g[i]
            z01 |= zero & ~f[i] & g[i]
            z00 |= zero & ~f[i] & ~g[i]
            if i == 1 and ((o11 and z11) or (o10 and z10) or (o01 and z01) or (o00 and z00)):
                return True  # most pairs end here
        if (o11 and z11) or (o10 and z10) or (o01 and z01) or (o00 and z00):
            return True
    return False


@njit(cache=True, nogil=True)
def _features_of(f: U64, row: int, out: U64) -> None:
    """The values of all features in one row, as a bit set: f (n, b), out (ceil(n / 64),)."""
    word, shift = row >> 6, np.uint64(row & 63)
    for at in range(f.shape[0]):
        out[at >> 6] |= (f[at, word] >> shift & _ONE) << np.uint64(at & 63)


@njit(cache=True, nogil=True)
def _cells_of_values(chosen: U64, y: U64, c: U64, ones: U64, zeros: U64) -> int:
    """Cared rows by cell and value, cells with both values only: ones, zeros (2**k, b). Returns the cells."""
    k, b = chosen.shape[0], y.shape[0]
    m = 0
    for cell in range(1 << k):
        some1 = _ZERO
        some0 = _ZERO
        for i in range(b):
            rows = c[i]
            for j in range(k):
                rows &= chosen[j, i] if (cell >> j) & 1 else ~chosen[j, i]
            ones[m, i] = rows & y[i]
            zeros[m, i] = rows & ~y[i]
            some1 |= ones[m, i]
            some0 |= zeros[m, i]
        if some1 and some0:
            m += 1
    return m


@njit(cache=True, nogil=True)
def _next_row(rows: U64, row: int) -> int:
    """The first row of a plane from `row` on; -1 if there is none."""
    while row < 64 * rows.shape[0]:
        rest = rows[row >> 6] >> np.uint64(row & 63)
        if not rest:
            row = (row | 63) + 1
            continue
        while not rest & _ONE:
            rest >>= _ONE
            row += 1
        return row
    return -1


@njit(cache=True, nogil=True)
def completions(
    f: U64, given: U64, sets: I64, pairs: NDArray[np.bool_], y: U64, c: U64, most: int, found: I64
) -> int:
    """Single features, and pairs, that make a table together with given ones.

    Two rows of one cell of the given features with different values of the target are told apart by one of
    the two: so both must hit all sets of features that differ in such pairs of rows (hitting sets: Reiter,
    Artificial Intelligence 32, 1987). What hits those of some pairs is held to all rows.

    f (n, b) features; given (g, b); sets (t, s): given features of each try, padded with -1; pairs (t,):
    whether two features may be added; most: completions of a try; found (k, 3): try and features, a single
    one twice. Returns how many there are.
    """
    n, b = f.shape[0], y.shape[0]
    words = (n + 63) // 64
    ones = np.empty((1 << sets.shape[1], b), np.uint64)
    zeros = np.empty((1 << sets.shape[1], b), np.uint64)
    values = np.zeros((64 * b, words), np.uint64)
    known = np.zeros(64 * b, np.bool_)
    differ = np.zeros((_CONFLICTS, words), np.uint64)
    left = np.zeros(words, np.uint64)
    total = 0
    for at in range(sets.shape[0]):
        k = 0
        while k < sets.shape[1] and sets[at, k] >= 0:
            k += 1
        m = _cells_of_values(given[sets[at, :k]], y, c, ones, zeros)
        n_differ = 0
        each = max(2, _CONFLICTS // max(1, m))
        for cell in range(m):
            one = _next_row(ones[cell], 0)
            zero = _next_row(zeros[cell], 0)
            for _ in range(each):
                if one < 0 or zero < 0 or n_differ == _CONFLICTS:
                    break
                for row in (one, zero):
                    if not known[row]:
                        known[row] = True
                        _features_of(f, row, values[row])
                for w in range(words):
                    differ[n_differ, w] = values[one, w] ^ values[zero, w]
                n_differ += 1
                one = _next_row(ones[cell], one + 1)
                zero = _next_row(zeros[cell], zero + 1)
        first = total
        for p in range(-1, n if pairs[at] else 0):  # -1: single features
            some = _ZERO
            for w in range(words):
                left[w] = _ALL
                if p >= 0:
                    left[w] = (
                        _ALL if w < p >> 6 else (_ONE << np.uint64(p & 63)) - _ONE if w == p >> 6 else _ZERO
                    )
                some |= left[w]
            for j in range(n_differ):
                if p >= 0 and differ[j, p >> 6] >> np.uint64(p & 63) & _ONE:
                    continue
                some = _ZERO
                for w in range(words):
                    left[w] &= differ[j, w]
                    some |= left[w]
                if not some:
                    break
            if not some:
                continue
            for q in range(n if p < 0 else p):
                if not left[q >> 6] >> np.uint64(q & 63) & _ONE:
                    continue
                other = q if p < 0 else p
                if not _contradicted(ones[:m], zeros[:m], f[q], f[other]):
                    if total - first == most or total == found.shape[0]:
                        break
                    found[total, 0] = at
                    found[total, 1] = q
                    found[total, 2] = other
                    total += 1
            if total - first == most:
                break
    return total
