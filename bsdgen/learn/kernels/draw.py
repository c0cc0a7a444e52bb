"""Compiled drawing of input rows: recorded and sensitive ones, near misses of them, uniform rows.

Every row has a random stream of its own, started from a key and its number (SplitMix64: Steele, Lea, Flood,
OOPSLA 2014), so that rows are the same whatever the number of threads.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64

I64 = NDArray[np.int64]
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_LEAST_FLIPS, _MOST_FLIPS = 3, 8  # a bit flips with probability 2 ** -(1 + this)
_DENSITIES = 6  # a bit of a biased row is 1 (or 0) with probability 2 ** -(1 + up to this - 1)
_PART = 1024  # rows that a thread draws at once
RECORDED, FLIPPED, BIASED, UNIFORM, MIXED = (
    0,
    1,
    2,
    3,
    -1,
)  # BIASED: near a sensitive row; of any density if there is none


@njit(cache=True, nogil=True, inline="always")
def scramble(state: np.uint64) -> np.uint64:
    """Output function of SplitMix64."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _draw_row(
    state: np.uint64, kind: int, recorded: U64, sensitive: U64, tail: U64, out: U64
) -> np.uint64:  # pragma: no cover - compiled
    state += _GAMMA
    choice = scramble(state)
    mixed = kind < 0
    if mixed:
        kind = int(np.int64(choice >> np.uint64(62)))
    if kind <= FLIPPED and recorded.shape[0] == 0:
        kind = BIASED
    number = choice & np.uint64(0xFFFFFFFFFFFF)
    if kind <= FLIPPED:
        at = np.int64(number % np.uint64(recorded.shape[0]))
        for w in range(out.shape[0]):
            out[w] = recorded[at, w]
    elif mixed and kind == UNIFORM and sensitive.shape[0] and (choice >> np.uint64(60)) & np.uint64(1):
        kind = FLIPPED
        at = np.int64(number % np.uint64(sensitive.shape[0]))
        for w in range(out.shape[0]):
            out[w] = sensitive[at, w]
    levels = int(np.int64((choice >> np.uint64(48)) & np.uint64(0xFFF)))
    if kind == FLIPPED:
        levels = _LEAST_FLIPS + levels % (_MOST_FLIPS + 1 - _LEAST_FLIPS)
    elif kind == BIASED:
        levels = levels % _DENSITIES
    else:
        levels = 0
    if kind != RECORDED:
        ones = (choice >> np.uint64(61)) & np.uint64(1)
        for w in range(out.shape[0]):
            state += _GAMMA
            word = scramble(state)
            for _ in range(levels):
                state += _GAMMA
                word &= scramble(state)
            if kind == FLIPPED:
                out[w] ^= word
            elif kind == BIASED and ones:
                out[w] = ~word
            else:
                out[w] = word
    for w in range(out.shape[0]):
        out[w] &= tail[w]
    return state


@njit(cache=True, nogil=True)
def draw_part(
    key: np.uint64,
    kind: int,
    recorded: U64,
    sensitive: U64,
    tail: U64,
    mask: U64,
    value: U64,
    which: I64,
    out: U64,
    first: int,
    last: int,
) -> None:  # pragma: no cover - compiled
    """Rows `first` to `last` of `draw`."""
    for row in range(first, last):
        state = scramble(key + np.uint64(row) * np.uint64(0xD1342543DE82EF95))
        state = _draw_row(state, kind, recorded, sensitive, tail, out[row])
        if mask.shape[0]:
            if which.shape[0]:
                cube = which[row]
            else:
                state += _GAMMA
                cube = np.int64(scramble(state) % np.uint64(mask.shape[0]))
            for w in range(out.shape[1]):
                out[row, w] = (out[row, w] & ~mask[cube, w]) | value[cube, w]


@njit(cache=True, parallel=True, nogil=True)
def draw(
    key: np.uint64,
    kind: int,
    recorded: U64,
    sensitive: U64,
    tail: U64,
    mask: U64,
    value: U64,
    which: I64,
    out: U64,
) -> None:  # pragma: no cover - compiled
    """Draw rows, each forced into a cube.

    kind: of all rows, or `MIXED` for a quarter of each on average; without recorded rows, biased rows stand
    for them and their near misses. Half of the uniform rows among mixed ones give
    way to near misses of sensitive ones, if there are any.
    recorded (r, w) and sensitive (s, w), possibly none; tail (w,) the bits that exist; mask, value (m, w)
    cubes, none for no forcing; which (n,) the cube of each row, none to draw it; out (n, w).
    """
    n = out.shape[0]
    for part in prange((n + _PART - 1) // _PART):
        draw_part(
            key,
            kind,
            recorded,
            sensitive,
            tail,
            mask,
            value,
            which,
            out,
            part * _PART,
            min(n, (part + 1) * _PART),
        )
