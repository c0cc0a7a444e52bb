"""Compiled loops over the cone of one function: values, cofactors, flips, and literals that fit.

A cone is `variables` (k) and nodes (n), children before parents: ``guard``, ``high`` and ``low`` are local
literals, ``2 * index + complement``, index 0 being FALSE, 1 to k the variables, larger ones the nodes;
``output`` is the function's local literal. Values are planes: bit r of a word is row r.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels.influence import popcount

I64 = NDArray[np.int64]
_ZERO, _ONES = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_SIEVE = 2  # words that are compared before the others


@njit(cache=True, nogil=True)
def _run(table: I64, values: U64, first: int, last: int) -> None:  # pragma: no cover - compiled
    """Fill in words `first` to `last` of the nodes of table (3, n); values (1 + k + n, words)."""
    n = table.shape[1]
    start = values.shape[0] - n
    for at in range(n):
        g, h, lo = table[0, at], table[1, at], table[2, at]
        flip_g = _ZERO - np.uint64(g & 1)
        flip_h = _ZERO - np.uint64(h & 1)
        flip_l = _ZERO - np.uint64(lo & 1)
        for j in range(first, last):
            off = values[lo >> 1, j] ^ flip_l
            on = values[h >> 1, j] ^ flip_h
            values[start + at, j] = off ^ ((values[g >> 1, j] ^ flip_g) & (off ^ on))


@njit(cache=True, nogil=True)
def run(planes: U64, variables: I64, table: I64, outputs: I64) -> U64:  # pragma: no cover - compiled
    """Values of functions, (f, words), by planes of all inputs (n_inputs, words); outputs (f,) literals."""
    k, words = variables.shape[0], planes.shape[1]
    values = np.empty((1 + k + table.shape[1], words), np.uint64)
    values[0] = _ZERO
    for at in range(k):
        values[1 + at] = planes[variables[at]]
    _run(table, values, 0, words)
    out = np.empty((outputs.shape[0], words), np.uint64)
    for at in range(outputs.shape[0]):
        flip = _ZERO - np.uint64(outputs[at] & 1)
        for j in range(words):
            out[at, j] = values[outputs[at] >> 1, j] ^ flip
    return out


@njit(cache=True, nogil=True)
def flips(
    planes: U64, words: int, variables: I64, table: I64, output: int, counts: I64
) -> None:  # pragma: no cover - compiled
    """What flipping each variable does, on the first `words` of planes (n_inputs, .).

    counts (k, 2): rows on which the function changes; of these, rows on which it is what the variable is.
    """
    k = variables.shape[0]
    values = np.empty((1 + k + table.shape[1], words), np.uint64)
    values[0] = _ZERO
    for at in range(k):
        values[1 + at] = planes[variables[at], :words]
    _run(table, values, 0, words)
    base = values[output >> 1].copy()
    flip = _ZERO - np.uint64(output & 1)
    for at in range(k):
        values[1 + at] ^= _ONES
        _run(table, values, 0, words)
        values[1 + at] ^= _ONES
        for j in range(words):
            differs = base[j] ^ values[output >> 1, j]
            counts[at, 0] += popcount(differs)
            counts[at, 1] += popcount(differs & ~(base[j] ^ flip ^ values[1 + at, j]))


@njit(cache=True, nogil=True)
def tested(
    literals: U64, chosen: I64, places: I64, choices: I64, table: I64, output: int, target: U64
) -> I64:  # pragma: no cover - compiled
    """For each choice whether the function is the target (0), its complement (1) or neither (-1).

    literals (l, words) planes of the literals that take the variables' places; chosen (k,) which one does for
    each, choices (c, m) which ones do for the variables `places` (m,).
    """
    k, words = chosen.shape[0], literals.shape[1]
    values = np.empty((1 + k + table.shape[1], words), np.uint64)
    values[0] = _ZERO
    for at in range(k):
        values[1 + at] = literals[chosen[at]]
    out = np.empty(choices.shape[0], np.int64)
    flip = _ZERO - np.uint64(output & 1)
    for c in range(choices.shape[0]):
        for j in range(places.shape[0]):
            values[1 + places[j]] = literals[choices[c, j]]
        plain = inverted = True
        first, last = 0, min(_SIEVE, words)
        while first < words and (plain or inverted):
            _run(table, values, first, last)
            for j in range(first, last):
                differs = values[output >> 1, j] ^ flip ^ target[j]
                plain = plain and differs == _ZERO
                inverted = inverted and differs == _ONES
            first, last = last, words
        out[c] = 0 if plain else 1 if inverted else -1
    return out


@njit(cache=True, nogil=True)
def cofactors(
    literals: U64, chosen: I64, places: I64, table: I64, output: int
) -> U64:  # pragma: no cover - compiled
    """Cofactors (8, words) on the variables `places`, up to three: bit j of the index is the jth's.

    literals, chosen : see `tested`. Beyond 2^m, for m variables, the first ones are repeated.
    """
    k, words = chosen.shape[0], literals.shape[1]
    values = np.empty((1 + k + table.shape[1], words), np.uint64)
    values[0] = _ZERO
    for at in range(k):
        values[1 + at] = literals[chosen[at]]
    out = np.empty((8, words), np.uint64)
    flip = _ZERO - np.uint64(output & 1)
    n = 1 << places.shape[0]
    for bits in range(8):
        if bits >= n:
            out[bits] = out[bits & (n - 1)]
            continue
        for j in range(places.shape[0]):
            values[1 + places[j]] = _ZERO - np.uint64(bits >> j & 1)
        _run(table, values, 0, words)
        out[bits] = values[output >> 1] ^ flip
    return out


@njit(cache=True, nogil=True)
def fitting(
    cofactors: U64, literals: U64, first: I64, second: I64, third: I64, target: U64, found: I64
) -> int:  # pragma: no cover - compiled
    """Literals for up to three variables that give the target or its complement: how many were found.

    cofactors (8, words); literals (l, words); first, second, third: literals that each variable may be (for a
    variable that is none, any one literal); found (most, 3): those that fit, the first variable's changing
    fastest, up to as many as there is room for.
    """
    words = cofactors.shape[1]
    n = 0
    two = np.empty((4, words), np.uint64)
    one = np.empty((2, words), np.uint64)
    for z in third:
        for i in range(4):
            for j in range(words):
                off = cofactors[i, j]
                two[i, j] = off ^ (literals[z, j] & (off ^ cofactors[i + 4, j]))
        for y in second:
            for i in range(2):
                for j in range(words):
                    one[i, j] = two[i, j] ^ (literals[y, j] & (two[i, j] ^ two[i + 2, j]))
            for x in first:
                plain = inverted = True
                for j in range(words):
                    differs = one[0, j] ^ (literals[x, j] & (one[0, j] ^ one[1, j])) ^ target[j]
                    plain = plain and differs == _ZERO
                    inverted = inverted and differs == _ONES
                if plain or inverted:
                    if n == found.shape[0]:
                        return n
                    found[n, 0], found[n, 1], found[n, 2] = x, y, z
                    n += 1
    return n
