"""Compiled random walks down a diagram: rows that take a path chosen beforehand.

A row drawn without regard to a function seldom gets far into it: a comparison is decided by the first bits
that differ. A walk chooses the branch at each node first and sets the guard's variable to it, so the last
nodes of a chain are reached about as often as the first, whatever the order and polarity of the bits.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32
from bsdgen.learn.kernels.draw import scramble

I64 = NDArray[np.int64]
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_PART = 1024  # rows that a thread walks at once


@njit(cache=True, nogil=True)
def depths(n_inputs: int, low: I32, high: I32, out: I64) -> None:  # pragma: no cover - compiled
    """Longest path below each index, ends of paths counted: out (1 + n_inputs + n_nodes,)."""
    out[: 1 + n_inputs] = 1
    for node in range(low.shape[0]):
        out[1 + n_inputs + node] = 1 + max(out[low[node] >> 1], out[high[node] >> 1])


@njit(cache=True, nogil=True)
def _choices(
    n_inputs: int, guard: I32, low: I32, high: I32, depth: I64
) -> tuple[I64, U64, U64]:  # pragma: no cover - compiled
    """Of each node the variable that it tests (-1: another node), and how a number r chooses its branch.

    With d and h the longest paths below both branches and below the high one, high is taken if ``r % d < h``,
    which for r and d below 2**32 is ``r * scale < limit`` modulo 2**64: scale is 2**64 / d rounded up, limit
    is ``scale * h`` (Lemire, Kaser, Kurz, Software: Practice and Experience 49, 2019).
    """
    n = guard.shape[0]
    variable = np.empty(n, np.int64)
    scale, limit = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for node in range(n):
        at = (guard[node] >> 1) - 1
        variable[node] = at if 0 <= at < n_inputs else -1
        to_high = np.uint64(depth[high[node] >> 1])
        both = np.uint64(depth[low[node] >> 1]) + to_high
        scale[node] = np.uint64(0xFFFFFFFFFFFFFFFF) // both + np.uint64(1)
        limit[node] = scale[node] * to_high
    return variable, scale, limit


@njit(cache=True, nogil=True)
def _walk_row(
    state: np.uint64,
    n_inputs: int,
    guard: I32,
    low: I32,
    high: I32,
    choices: tuple[I64, U64, U64],
    literal: np.int64,
    fixed: U64,
    row: U64,
    waiting: I32,
) -> None:  # pragma: no cover - compiled
    variables, scale, limit = choices
    n_waiting = 0
    while True:
        index = literal >> 1
        if index > n_inputs:
            node = index - n_inputs - 1
            variable = variables[node]
            if variable < 0:
                # a node and the sign that it is reached with wait for the value of its guard
                waiting[n_waiting] = 2 * node + (literal & 1)
                n_waiting += 1
                literal = np.int64(guard[node])
                continue
            word, bit = variable >> 6, np.uint64(1) << np.uint64(variable & 63)
            inverted = guard[node] & 1 == 1
            if fixed[word] & bit:
                go_high = (row[word] & bit != 0) != inverted
            else:
                state += _GAMMA
                go_high = (scramble(state) >> np.uint64(33)) * scale[node] < limit[node]
                fixed[word] |= bit
                row[word] = row[word] & ~bit | (bit if go_high != inverted else np.uint64(0))
            literal = np.int64(high[node] if go_high else low[node]) ^ (literal & 1)
            continue
        value = literal & 1
        if index:
            value ^= np.int64((row[(index - 1) >> 6] >> np.uint64((index - 1) & 63)) & np.uint64(1))
            fixed[(index - 1) >> 6] |= np.uint64(1) << np.uint64((index - 1) & 63)
        if not n_waiting:
            return
        n_waiting -= 1
        node, sign = waiting[n_waiting] >> 1, waiting[n_waiting] & 1
        literal = np.int64((high[node] if value else low[node]) ^ sign)


@njit(cache=True, parallel=True, nogil=True)
def walk(
    key: np.uint64,
    n_inputs: int,
    guard: I32,
    low: I32,
    high: I32,
    depth: I64,
    start: I32,
    mask: U64,
    which: I64,
    rows: U64,
) -> None:  # pragma: no cover - compiled
    """Make each row take a random path down from a literal of the diagram.

    guard, low, high: the diagram; depth: see `depths`; start (n,) literals, negative to leave a row as it is;
    mask (m, w), which (n,): variables that keep their value in each row; rows (n, w), changed in place. At a
    free variable a branch is taken as often as its longest path is long.
    """
    n = rows.shape[0]
    choices = _choices(n_inputs, guard, low, high, depth)
    for part in prange((n + _PART - 1) // _PART):
        fixed = np.empty(rows.shape[1], np.uint64)
        waiting = np.empty(guard.shape[0] + 1, np.int32)
        for at in range(part * _PART, min(n, (part + 1) * _PART)):
            if start[at] < 0:
                continue
            fixed[:] = mask[which[at]]
            state = scramble(key + np.uint64(at) * np.uint64(0xD1342543DE82EF95))
            _walk_row(
                state, n_inputs, guard, low, high, choices, np.int64(start[at]), fixed, rows[at], waiting
            )
