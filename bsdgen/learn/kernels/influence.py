"""Compiled loops over sensitivities: influences, control gain, cost of an expansion.

A sensitivity plane ``S[f, y]`` says on which rows flipping variable y changes function f: the Boolean
difference of f with respect to y, sampled. Its mean is the influence (O'Donnell, Analysis of Boolean
Functions, 2.2).
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H = np.uint64(0x0101010101010101)
_THREADED = 1 << 15  # words from which threads pay: they burn time waiting for each other


@njit(cache=True, nogil=True, inline="always")
def popcount(x: np.uint64) -> np.int64:
    """Bits set in a word (Warren, Hacker's Delight, 5-1)."""
    x = x - ((x >> np.uint64(1)) & _M1)
    x = (x & _M2) + ((x >> np.uint64(2)) & _M2)
    x = (x + (x >> np.uint64(4))) & _M4
    return np.int64((x * _H) >> np.uint64(56))


@njit(cache=True, parallel=True, nogil=True)
def split_costs(sens: U64, planes: U64, least: int, costs: F64) -> None:
    """Square-root influence left after splitting on each variable.

    sens (o, v, b), planes (v, b) of the same v variables, costs (v,): sum over outputs o and variables x
    other than y of the mean over both branches of sqrt(influence of x on o in that branch). Pairs seen on
    fewer than `least` rows are left out: with a handful of rows any split seems to sort them out.
    """
    n_outputs, n_vars, n_blocks = sens.shape
    for y in prange(n_vars):
        total = 0.0
        ones = np.int64(0)
        for b in range(n_blocks):
            ones += popcount(planes[y, b])
        zeros = n_blocks * 64 - ones
        if ones > 0 and zeros > 0:
            for o in range(n_outputs):
                for x in range(n_vars):
                    if x != y:
                        c1 = np.int64(0)
                        c0 = np.int64(0)
                        for b in range(n_blocks):
                            s = sens[o, x, b]
                            if s:
                                c1 += popcount(s & planes[y, b])
                                c0 += popcount(s & ~planes[y, b])
                        if c1 + c0 < least:
                            continue
                        total += 0.5 * (np.sqrt(c1 / ones) + np.sqrt(c0 / zeros))
            costs[y] = total
        else:
            costs[y] = np.inf


@njit(cache=True, nogil=True)
def influences(sens: U64, counts: I64) -> None:
    """Rows on which each variable matters: sens (f, v, b), counts (f, v); too short to be worth threads."""
    for f in range(sens.shape[0]):
        for v in range(sens.shape[1]):
            n = np.int64(0)
            for b in range(sens.shape[2]):
                n += popcount(sens[f, v, b])
            counts[f, v] = n


@njit(cache=True, nogil=True)
def _mix(h: np.uint64, x: np.uint64) -> np.uint64:
    h = (h ^ x) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


@njit(cache=True, nogil=True)
def hash_masked(words: U64, mask: U64, lead: int) -> np.uint64:
    """Like `hash_signature` on the rows of `mask` only, of which `lead` is one."""
    flip = np.uint64(0) - ((words[lead >> 6] >> np.uint64(lead & 63)) & np.uint64(1))
    h = np.uint64(0x2545F4914F6CDD1D)
    some = False
    for b in range(words.shape[0]):
        w = (words[b] ^ flip) & mask[b]
        if w:
            some = True
        h = _mix(h, w)
    return (h | np.uint64(1)) if some else np.uint64(0)


@njit(cache=True, nogil=True)
def hash_signature(words: U64) -> np.uint64:
    """Hash of a signature up to complement; 0 for a constant."""
    flip = np.uint64(0) - (words[0] & np.uint64(1))
    h = np.uint64(0x2545F4914F6CDD1D)
    some = False
    for b in range(words.shape[0]):
        w = words[b] ^ flip
        if w:
            some = True
        h = _mix(h, w)
    return (h | np.uint64(1)) if some else np.uint64(0)


@njit(cache=True, nogil=True)
def _hashes(base: U64, mask: U64, lead: int) -> U64:
    out = np.empty(base.shape[0], np.uint64)
    for f in range(base.shape[0]):
        out[f] = hash_masked(base[f], mask, lead)
    return out


@njit(cache=True, nogil=True, inline="always")
def _is_known(h: np.uint64, known: U64) -> bool:
    at = np.searchsorted(known, h)
    return bool(at < known.shape[0] and known[at] == h)


@njit(cache=True, nogil=True)
def _expansion_cost(
    base: U64, sens: U64, plane: U64, known: U64, mask: U64, lead: int, whole: U64, y: int
) -> np.int64:
    n_live, n_blocks = base.shape
    hashes = np.empty(2 * n_live, np.uint64)
    word = np.empty(n_blocks, np.uint64)
    n = 0
    touched = False
    for f in range(n_live):
        depends = False
        for b in range(n_blocks):
            if sens[f, y, b] & mask[b]:
                depends = True
                break
        if not depends:
            hashes[n] = whole[f]
            n += 1
            continue
        touched = True
        before = n
        for bit in range(2):
            for b in range(n_blocks):
                word[b] = base[f, b] ^ (sens[f, y, b] & (~plane[b] if bit else plane[b]))
            hashes[n] = hash_masked(word, mask, lead)
            if hashes[n] != 0 and not _is_known(hashes[n], known):
                n += 1
        if n == before:  # that ends the function, now or later
            hashes[n] = whole[f]
            n += 1
    if not touched:
        return np.int64(-1)
    part = np.sort(hashes[:n])
    count = np.int64(0)
    for i in range(n):
        if part[i] == 0 or (i > 0 and part[i] == part[i - 1]) or _is_known(part[i], known):
            continue
        count += 1
    return count


@njit(cache=True, parallel=True, nogil=True)
def _expansion_costs_threaded(
    base: U64, sens: U64, planes: U64, known: U64, mask: U64, lead: int, costs: I64
) -> None:
    whole = _hashes(base, mask, lead)
    for y in prange(sens.shape[1]):
        costs[y] = _expansion_cost(base, sens, planes[y], known, mask, lead, whole, y)


@njit(cache=True, nogil=True)
def _expansion_costs_plain(
    base: U64, sens: U64, planes: U64, known: U64, mask: U64, lead: int, costs: I64
) -> None:
    whole = _hashes(base, mask, lead)
    for y in range(sens.shape[1]):
        costs[y] = _expansion_cost(base, sens, planes[y], known, mask, lead, whole, y)


def expansion_costs(base: U64, sens: U64, planes: U64, known: U64, mask: U64, lead: int, costs: I64) -> None:
    """New functions that expanding all live functions on each variable would give.

    base (l, b) signatures, sens (l, v, b), planes (v, b), known (m,) sorted hashes of functions that exist
    already, mask (b,) the rows that count and `lead` one of them, costs (v,): distinct cofactors up to
    complement that are neither constant nor known, live functions that do not depend on the variable
    included; -1 where no live function depends on it. A function whose cofactors are all constant or known
    counts as if it stayed: it would be as cheap to end it later, which is no reason to do it now. The
    cofactors need no queries: on a row with y = 1, ``f|y=0 = f ^ S[f, y]``.
    """
    run = _expansion_costs_threaded if sens.size >= _THREADED else _expansion_costs_plain
    run(base, sens, planes, known, mask, lead, costs)
