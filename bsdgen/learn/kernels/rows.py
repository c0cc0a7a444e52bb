"""Compiled loops over packed rows: forcing cubes, flipping bits, gathering outputs.

A row set of `n` rows is stored row by row (`bsdgen.bits`). A *plane* is the same bit of 64 rows in one word,
a *signature* the planes of one function over a whole bank: shape ``(n / 64,)``, row ``r`` is bit ``r % 64``
of word ``r // 64``. All row counts here are multiples of 64.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels.influence import popcount

I64 = NDArray[np.int64]
_ONE = np.uint64(1)
_THREADED = 1 << 20  # words from which threads pay: on a busy machine they wait for each other at every step


@njit(cache=True, nogil=True)
def _force_job(bank: U64, mask: U64, value: U64, out: U64, job: int) -> None:
    k = bank.shape[0]
    for word in range(bank.shape[1]):
        keep = ~mask[job, word]
        fixed = value[job, word]
        for row in range(k):
            out[job * k + row, word] = (bank[row, word] & keep) | fixed


@njit(cache=True, parallel=True, nogil=True)
def _force_threaded(bank: U64, mask: U64, value: U64, out: U64) -> None:
    for job in prange(mask.shape[0]):
        _force_job(bank, mask, value, out, job)


@njit(cache=True, nogil=True)
def _force_plain(bank: U64, mask: U64, value: U64, out: U64) -> None:
    for job in range(mask.shape[0]):
        _force_job(bank, mask, value, out, job)


def force(bank: U64, mask: U64, value: U64, out: U64) -> None:
    """Write, for each cube, the bank with the cube's variables forced.

    bank (k, w); mask, value (f, w); out (f * k, w): row ``i * k + r`` is bank row r inside cube i.
    """
    run = _force_threaded if mask.shape[0] * bank.size >= _THREADED else _force_plain
    run(bank, mask, value, out)


@njit(cache=True, nogil=True)
def _flip_job(rows: U64, mask: U64, value: U64, cube: int, variable: int, out: U64, first: int) -> None:
    for word in range(rows.shape[2]):
        keep = ~mask[cube, word]
        fixed = value[cube, word]
        flip = _ONE << np.uint64(variable & 63) if variable >= 0 and variable >> 6 == word else np.uint64(0)
        for row in range(rows.shape[1]):
            out[first + row, word] = ((rows[cube, row, word] & keep) | fixed) ^ flip


@njit(cache=True, parallel=True, nogil=True)
def _flip_threaded(rows: U64, mask: U64, value: U64, owner: I64, variable: I64, out: U64) -> None:
    for job in prange(owner.shape[0]):
        _flip_job(rows, mask, value, owner[job], variable[job], out, job * rows.shape[1])


@njit(cache=True, nogil=True)
def _flip_plain(rows: U64, mask: U64, value: U64, owner: I64, variable: I64, out: U64) -> None:
    for job in range(owner.shape[0]):
        _flip_job(rows, mask, value, owner[job], variable[job], out, job * rows.shape[1])


def force_and_flip(rows: U64, mask: U64, value: U64, owner: I64, variable: I64, out: U64) -> None:
    """Like `force` for job j inside cube ``owner[j]`` on that cube's own rows, with one variable flipped.

    rows (f, k, w); variable (j,), -1 flips nothing; out (j * k, w).
    """
    words = owner.shape[0] * rows.shape[1] * rows.shape[2]
    run = _flip_threaded if words >= _THREADED else _flip_plain
    run(rows, mask, value, owner, variable, out)


@njit(cache=True, nogil=True)
def _gather_job(outputs: U64, k: int, bit: int, first: int, planes: U64) -> None:
    word = bit >> 6
    shift = np.uint64(bit & 63)
    for block in range(k // 64):
        plane = np.uint64(0)
        for row in range(64):
            plane |= ((outputs[first + block * 64 + row, word] >> shift) & _ONE) << np.uint64(row)
        planes[block] = plane


@njit(cache=True, parallel=True, nogil=True)
def _gather_threaded(outputs: U64, k: int, bit: I64, planes: U64) -> None:
    for job in prange(bit.shape[0]):
        _gather_job(outputs, k, bit[job], job * k, planes[job])


@njit(cache=True, nogil=True)
def _gather_plain(outputs: U64, k: int, bit: I64, planes: U64) -> None:
    for job in range(bit.shape[0]):
        _gather_job(outputs, k, bit[job], job * k, planes[job])


def gather(outputs: U64, k: int, bit: I64, planes: U64) -> None:
    """Signature of one output bit a job: outputs (j * k, w), bit (j,), planes (j, k / 64)."""
    run = _gather_threaded if bit.shape[0] * k >= _THREADED else _gather_plain
    run(outputs, k, bit, planes)


@njit(cache=True, nogil=True)
def transpose(block: U64) -> None:
    """Transpose a 64 x 64 bit matrix in place (Warren, Hacker's Delight, 7-3)."""
    j = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while j:
        k = 0
        while k < 64:
            t = ((block[k] >> np.uint64(j)) ^ block[k + j]) & mask
            block[k] ^= t << np.uint64(j)
            block[k + j] ^= t
            k = (k + j + 1) & ~j
        j >>= 1
        mask ^= mask << np.uint64(j)


@njit(cache=True, nogil=True)
def planes_of(rows: U64, n_bits: int, planes: U64) -> None:
    """Transpose rows (n, w) into planes (n_bits, n / 64); too short to be worth threads."""
    square = np.empty(64, np.uint64)
    for block in range(rows.shape[0] // 64):
        for word in range(rows.shape[1]):
            for row in range(64):
                square[row] = rows[block * 64 + row, word]
            transpose(square)
            for bit in range(min(64, n_bits - word * 64)):
                planes[word * 64 + bit, block] = square[bit]


@njit(cache=True, parallel=True, nogil=True)
def difference_planes(differences: U64, outputs: I64, planes: U64) -> None:
    """Transpose differences (v, k, w) into planes (o, v, k / 64) of the wanted output bits (o,)."""
    for v in prange(differences.shape[0]):
        whole = np.empty((differences.shape[2] * 64, differences.shape[1] // 64), np.uint64)
        planes_of(differences[v], differences.shape[2] * 64, whole)
        for o in range(outputs.shape[0]):
            for block in range(whole.shape[1]):
                planes[o, v, block] = whole[outputs[o], block]


@njit(cache=True, nogil=True)
def rare_rows(signatures: U64, out: I64) -> None:  # pragma: no cover - compiled
    """Rows on which each function is the less frequent value, in even steps: signatures (f, b), out (f, n).

    Fewer rows than `n` are repeated; of a constant all rows are taken for rare.
    """
    n_rows, n = signatures.shape[1] * 64, out.shape[1]
    for f in range(signatures.shape[0]):
        ones = np.int64(0)
        for b in range(signatures.shape[1]):
            ones += popcount(signatures[f, b])
        flip = np.uint64(0) if 2 * ones <= n_rows else ~np.uint64(0)
        rare = min(ones, n_rows - ones)
        if rare == 0:
            for i in range(n):
                out[f, i] = i * n_rows // n
            continue
        seen = np.int64(0)  # rare rows before this block
        i = 0
        for b in range(signatures.shape[1]):
            word = signatures[f, b] ^ flip
            here = popcount(word)
            at = np.int64(0)
            while i < n and i * rare // n < seen + here:
                wanted = i * rare // n - seen
                # drop what is before the wanted one of this word's ones
                while at < wanted:
                    word &= word - np.uint64(1)
                    at += 1
                out[f, i] = b * 64 + popcount(~word & (word - np.uint64(1)))
                i += 1
            seen += here


@njit(cache=True, nogil=True)
def mixed(rows: U64, others: U64, out: U64) -> None:  # pragma: no cover - compiled
    """Each row with the row before it (the last, before the first) in place of some variables.

    rows, out (f, k, w); others (f, w): these variables.
    """
    k = rows.shape[1]
    for f in range(rows.shape[0]):
        for row in range(k):
            before = row - 1 if row else k - 1
            for word in range(rows.shape[2]):
                other = others[f, word]
                out[f, row, word] = (rows[f, row, word] & ~other) | (rows[f, before, word] & other)
