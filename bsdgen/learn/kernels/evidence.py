"""Compiled loops over recorded rows: planes of chosen rows, tables of features, gains of splits.

A *plane* is one bit of 64 rows in a word, row ``r`` of a set being bit ``r % 64`` of word ``r // 64``; behind
the last row planes are 0. ``y`` is a target's plane row (values, 0 where uncared), ``c`` its care: both
shape (b,). Features are planes ``f``: shape (n, b). Cells of a table of k features are numbered by the
features' values, feature 0 being the least significant bit.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels.rows import transpose

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def _count(typingctx: Any, word: Any) -> Any:
    """Bits set in a word, as an int64: one instruction, or a vector of them."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), code


_ones: Any = intrinsic(_count)


@njit(cache=True, nogil=True)
def planes_of_rows(rows: U64, chosen: I32, out: U64) -> None:
    """Planes of the chosen rows: rows (n, w), chosen (k,), out (64 w, ceil(k / 64))."""
    k = chosen.shape[0]
    block = np.zeros(64, np.uint64)
    for at in range(out.shape[1]):
        for word in range(rows.shape[1]):
            for i in range(64):
                row = at * 64 + i
                block[i] = rows[chosen[row], word] if row < k else _ZERO
            transpose(block)
            for i in range(64):
                out[word * 64 + i, at] = block[i]


@njit(cache=True, nogil=True)
def values_seen(y: U64, c: U64) -> int:
    """Which values a target has on cared rows: 1 for a one, plus 2 for a zero."""
    ones = _ZERO
    zeros = _ZERO
    for i in range(y.shape[0]):
        ones |= y[i] & c[i]
        zeros |= ~y[i] & c[i]
        if ones and zeros:
            return 3
    return (1 if ones else 0) + (2 if zeros else 0)


@njit(cache=True, nogil=True)
def equal_feature(f: U64, y: U64, c: U64) -> int:
    """The first feature that the target is: 2 * feature + complement; -1 if there is none."""
    for at in range(f.shape[0]):
        same = True
        other = True
        for i in range(y.shape[0]):
            different = (f[at, i] ^ y[i]) & c[i]
            same = same and different == _ZERO
            other = other and different == c[i]
            if not (same or other):
                break
        if same:
            return 2 * at
        if other:
            return 2 * at + 1
    return -1


@njit(cache=True, nogil=True)
def equal_features(f: U64, y: U64, c: U64, out: NDArray[np.bool_]) -> None:
    """Which features the target, or its complement, is: out (n,)."""
    for at in range(f.shape[0]):
        out[at] = equal_feature(f[at : at + 1], y, c) >= 0


@njit(cache=True, nogil=True)
def distances(f: U64, y: U64, c: U64, out: I64) -> None:
    """On how many cared rows each feature differs from the target: out (n,)."""
    for at in range(f.shape[0]):
        total = 0
        for i in range(y.shape[0]):
            total += _ones((f[at, i] ^ y[i]) & c[i])
        out[at] = total


@njit(cache=True, nogil=True)
def _offer(score: int, a: int, b: int, d: int, best: I64, who: I64, worst: int) -> int:
    best[worst] = score
    who[worst, 0] = a
    who[worst, 1] = b
    who[worst, 2] = d
    for k in range(best.shape[0]):
        if best[k] < best[worst]:
            worst = k
    return worst


@njit(cache=True, nogil=True)
def exclusive_pairs(f: U64, y: U64, c: U64, best: I64, who: I64) -> None:
    """The pairs whose exclusive or is most correlated with the target, either way.

    best (k,) zeros, who (k, 3): |rows that agree - rows that differ| and the features, the last -1.
    """
    b = y.shape[0]
    total = 0
    for i in range(b):
        total += _ones(c[i])
    u = np.empty(b, np.uint64)
    worst = 0
    for p in range(f.shape[0]):
        for i in range(b):
            u[i] = y[i] ^ f[p, i]
        for q in range(p):
            d = 0
            for i in range(b):
                d += _ones((u[i] ^ f[q, i]) & c[i])
            score = abs(total - 2 * d)
            if score > best[worst]:
                worst = _offer(score, p, q, -1, best, who, worst)


@njit(cache=True, nogil=True)
def exclusive_triples(f: U64, y: U64, c: U64, best: I64, who: I64) -> None:
    """Like `exclusive_pairs` for three features."""
    b = y.shape[0]
    total = 0
    for i in range(b):
        total += _ones(c[i])
    u = np.empty(b, np.uint64)
    v = np.empty(b, np.uint64)
    worst = 0
    for p in range(f.shape[0]):
        for i in range(b):
            u[i] = y[i] ^ f[p, i]
        for q in range(p):
            for i in range(b):
                v[i] = u[i] ^ f[q, i]
            for r in range(q):
                d = 0
                for i in range(b):
                    d += _ones((v[i] ^ f[r, i]) & c[i])
                score = abs(total - 2 * d)
                if score > best[worst]:
                    worst = _offer(score, p, q, r, best, who, worst)


@njit(cache=True, nogil=True)
def cells_of(chosen: U64, c: U64, out: U64) -> None:
    """The cared rows of every cell: chosen (k, b), out (2**k, b)."""
    k = chosen.shape[0]
    for cell in range(out.shape[0]):
        for i in range(c.shape[0]):
            rows = c[i]
            for j in range(k):
                rows &= chosen[j, i] if (cell >> j) & 1 else ~chosen[j, i]
            out[cell, i] = rows


@njit(cache=True, nogil=True)
def impurities(f: U64, y: U64, cells: U64, out: F64) -> None:
    """Gini impurity that is left in the cells when each feature is added; the last entry is without any.

    out (n + 1,): the sum over cells of ones x zeros / rows.
    """
    n, b = f.shape[0], y.shape[0]
    for cell in range(cells.shape[0]):
        rows = 0
        ones = 0
        for i in range(b):
            rows += _ones(cells[cell, i])
            ones += _ones(cells[cell, i] & y[i])
        if ones in (0, rows):
            continue
        out[n] += ones * (rows - ones) / rows
        for at in range(n):
            here = 0
            hit = 0
            for i in range(b):
                high = cells[cell, i] & f[at, i]
                here += _ones(high)
                hit += _ones(high & y[i])
            if here > 0:
                out[at] += hit * (here - hit) / here
            if rows > here:
                out[at] += (ones - hit) * (rows - here - ones + hit) / (rows - here)


@njit(cache=True, nogil=True)
def tabulate(chosen: U64, y: U64, c: U64, stop: int, counts: I64) -> int:
    """Count zeros and ones by cell: counts (2**k, 2). Returns the rows in the minority of their cell.

    More than `stop` contradicted cells end it early; then what is returned is only more than `stop`.
    """
    k = chosen.shape[0]
    broken = 0
    for i in range(y.shape[0]):
        left = c[i]
        while left:
            low = left & (~left + _ONE)
            left ^= low
            cell = 0
            for j in range(k):
                if chosen[j, i] & low:
                    cell |= 1 << j
            value = 1 if y[i] & low else 0
            counts[cell, value] += 1
            if counts[cell, 1 - value] and counts[cell, value] == 1:
                broken += 1
                if broken > stop:
                    return broken
    wrong = 0
    for cell in range(counts.shape[0]):
        wrong += min(counts[cell, 0], counts[cell, 1])
    return wrong


@njit(cache=True, nogil=True)
def apply_table(chosen: U64, table: NDArray[np.int8], out: U64) -> None:
    """The plane of a table: chosen (k, b), table (2**k,) of 0 and 1, out (b,)."""
    k = chosen.shape[0]
    size = table.shape[0]
    value = np.empty(size, np.uint64)
    for i in range(out.shape[0]):
        for cell in range(size):
            value[cell] = _ALL if table[cell] == 1 else _ZERO
        left = size
        for j in range(k):
            left >>= 1
            for cell in range(left):
                low = value[2 * cell]
                value[cell] = low ^ ((low ^ value[2 * cell + 1]) & chosen[j, i])
        out[i] = value[0]


@njit(cache=True, nogil=True)
def split_gains(x: U64, f: U64, y: U64, c: U64, bias: float, out: F64) -> None:
    """By how much the best feature of each output explains more in the halves of x than in the whole.

    x (v, b) variables; f (n, b) features; y, c (o, b) outputs; out (v,). Explained is the squared
    correlation times rows ("energy") of the best feature, or of none, less `bias` for what chance gives.
    """
    nx, nf, b = x.shape[0], f.shape[0], x.shape[1]
    rows1 = np.zeros(nx, np.int64)
    high = np.zeros(nx, np.float64)
    low = np.zeros(nx, np.float64)
    d = np.zeros(b, np.uint64)
    for o in range(y.shape[0]):
        rows = 0
        for i in range(b):
            rows += _ones(c[o, i])
        if rows < 8:
            continue
        for v in range(nx):
            here = 0
            for i in range(b):
                here += _ones(c[o, i] & x[v, i])
            rows1[v] = here
            high[v] = 0.0
            low[v] = 0.0
        whole = 0.0
        for at in range(nf + 1):
            differ = 0
            for i in range(b):
                d[i] = (y[o, i] ^ f[at, i]) & c[o, i] if at < nf else y[o, i] & c[o, i]
                differ += _ones(d[i])
            whole = max(whole, (rows - 2 * differ) ** 2 / rows)
            for v in range(nx):
                here = 0
                for i in range(b):
                    here += _ones(d[i] & x[v, i])
                n1 = rows1[v]
                n0 = rows - n1
                if n1 > 0:
                    high[v] = max(high[v], (n1 - 2 * here) ** 2 / n1)
                if n0 > 0:
                    low[v] = max(low[v], (n0 - 2 * (differ - here)) ** 2 / n0)
        for v in range(nx):
            out[v] += max(0.0, high[v] - bias) + max(0.0, low[v] - bias) - max(0.0, whole - bias)


@njit(cache=True, nogil=True)
def switched_off(y: U64, c: U64, outputs: I64, rows: U64, f: U64) -> bool:
    """Whether on the chosen rows (b,) every output is constant, uncared, or a feature; one is cared for."""
    cared = False
    b = rows.shape[0]
    for o in outputs:
        one = False
        zero = False
        for i in range(b):
            here = c[o, i] & rows[i]
            if here & y[o, i]:
                one = True
            if here & ~y[o, i]:
                zero = True
            if one and zero:
                break
        cared = cared or one or zero
        if one and zero:
            found = False
            for at in range(f.shape[0]):
                same = True
                other = True
                for i in range(b):
                    here = c[o, i] & rows[i]
                    different = (f[at, i] ^ y[o, i]) & here
                    same = same and different == _ZERO
                    other = other and different == here
                    if not (same or other):
                        break
                if same or other:
                    found = True
                    break
            if not found:
                return False
    return cared


@njit(cache=True, nogil=True)
def covers(y: U64, c: U64, at: int, out: NDArray[np.bool_]) -> None:
    """Which outputs are cared for wherever output `at` is, with both values: y, c (o, b), out (o,)."""
    for q in range(c.shape[0]):
        inside = True
        ones = _ZERO
        zeros = _ZERO
        for i in range(c.shape[1]):
            if c[at, i] & ~c[q, i]:
                inside = False
                break
            ones |= y[q, i] & c[at, i]
            zeros |= ~y[q, i] & c[at, i]
        out[q] = inside and bool(ones) and bool(zeros)


@njit(cache=True, nogil=True)
def differs(f: U64, y: U64, c: U64) -> bool:
    """Whether a plane differs from the target on a cared row."""
    for i in range(y.shape[0]):  # noqa: SIM110 - a loop compiles to vector instructions
        if (f[i] ^ y[i]) & c[i]:
            return True
    return False


@njit(cache=True, nogil=True)
def agreeing(f: U64, y: U64, c: U64, out: NDArray[np.bool_]) -> None:
    """Which planes do not differ from the target on a cared row: f (n, b), out (n,)."""
    for at in range(f.shape[0]):
        out[at] = not differs(f[at], y, c)
