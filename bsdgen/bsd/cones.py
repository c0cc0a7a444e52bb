"""Single outputs of a diagram: each with the nodes that it needs and no others.

Whoever asks for one output of many pays for its own nodes only, and these fit into the nearest cache.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.diagram import Bsd, run_nodes, transpose64
from bsdgen.bsd.literals import I32

I64 = NDArray[np.int64]
_WORDS = 4  # words of 64 rows that are evaluated together
_THREADED = 1 << 14  # rows from which threads pay


@njit(cache=True, nogil=True)
def _job(
    inputs: U64, first: int, rows: int, n_inputs: int, table: I32, root: int, planes: U64
) -> None:  # pragma: no cover - compiled
    """Rows `first` on of one output: table (3, n) of local guard, low, high; planes (ceil(rows / 64),)."""
    zero = np.uint64(0)
    value = np.empty((1 + n_inputs + table.shape[1], _WORDS), np.uint64)
    value[: 1 + n_inputs] = zero
    block = np.empty(64, np.uint64)
    n_blocks = (rows + 63) // 64
    for j in range(n_blocks):
        for word in range(inputs.shape[1]):
            for row in range(64):
                at = j * 64 + row
                block[row] = inputs[first + at, word] if at < rows else zero
            transpose64(block)
            for bit in range(min(64, n_inputs - word * 64)):
                value[1 + word * 64 + bit, j] = block[bit]
    run_nodes(1 + n_inputs, table[0], table[1], table[2], value)
    for j in range(n_blocks):
        planes[j] = value[root >> 1, j] ^ (zero - np.uint64(root & 1))


@njit(cache=True, nogil=True)
def _plain(
    inputs: U64, k: int, n_inputs: int, start: I64, table: I32, roots: I32, outputs: I64, planes: U64
) -> None:  # pragma: no cover - compiled
    for job in range(outputs.shape[0]):
        o = outputs[job]
        own = table[:, start[o] : start[o + 1]]
        for first in range(0, k, 64 * _WORDS):
            words = planes[job, first // 64 : (min(k, first + 64 * _WORDS) + 63) // 64]
            _job(inputs, job * k + first, min(64 * _WORDS, k - first), n_inputs, own, roots[o], words)


@njit(cache=True, parallel=True, nogil=True)
def _threaded(
    inputs: U64, k: int, n_inputs: int, start: I64, table: I32, roots: I32, outputs: I64, planes: U64
) -> None:  # pragma: no cover - compiled
    parts = (k + 64 * _WORDS - 1) // (64 * _WORDS)
    for at in prange(outputs.shape[0] * parts):
        job, first = at // parts, at % parts * 64 * _WORDS
        o = outputs[job]
        own = table[:, start[o] : start[o + 1]]
        words = planes[job, first // 64 : (min(k, first + 64 * _WORDS) + 63) // 64]
        _job(inputs, job * k + first, min(64 * _WORDS, k - first), n_inputs, own, roots[o], words)


@dataclass(frozen=True, eq=False)
class Cones:
    """The cones of all outputs, one behind the other.

    Attributes
    ----------
    n_inputs : inputs.
    start : int64, shape (n_outputs + 1,): where each cone begins.
    table : int32, shape (3, n): guard, low, high of its nodes, literals of a diagram that has only them.
    roots : int32, shape (n_outputs,): the output in that diagram.

    Examples
    --------
    >>> import numpy as np
    >>> guard, low, high, roots = (np.array(x, np.int32) for x in ([2, 2], [4, 0], [5, 4], [6, 8]))
    >>> cones = Cones.of(Bsd(2, guard, low, high, roots))  # exclusive or, and
    >>> rows = np.resize(np.arange(4, dtype=np.uint64), (64, 1))
    >>> cones.evaluate(rows, 64, np.array([1]))[0, 0] == 0x8888888888888888
    np.True_
    """

    n_inputs: int
    start: I64
    table: I32
    roots: I32

    @staticmethod
    def of(bsd: Bsd) -> "Cones":
        """The cones of a diagram."""
        first = 1 + bsd.n_inputs
        fanins = np.stack([bsd.guard, bsd.low, bsd.high])
        tables, roots = [], []
        for root in bsd.roots:
            needed = np.zeros(first + bsd.n_nodes, np.bool_)
            needed[root >> 1] = True
            for i in range(int(root >> 1) - first, -1, -1):
                if needed[first + i]:
                    needed[fanins[:, i] >> 1] = True
            own = np.flatnonzero(needed[first:])
            number = np.arange(first + bsd.n_nodes, dtype=np.int32)
            number[first + own] = first + np.arange(own.shape[0])
            tables.append((2 * number[fanins[:, own] >> 1] | (fanins[:, own] & 1)).astype(np.int32))
            roots.append(2 * number[root >> 1] | (root & 1))
        sizes = [0, *(table.shape[1] for table in tables)]
        whole = np.concatenate([np.zeros((3, 0), np.int32), *tables], axis=1)
        return Cones(bsd.n_inputs, np.cumsum(sizes), np.ascontiguousarray(whole), np.array(roots, np.int32))

    def evaluate(self, inputs: U64, k: int, outputs: I64) -> U64:
        """One output for each `k` rows.

        Parameters
        ----------
        inputs : uint64, shape (j * k, words)
        outputs : int64, shape (j,)

        Returns
        -------
        uint64, shape (j, ceil(k / 64)): bit r of word w is row 64 w + r.
        """
        planes = np.empty((outputs.shape[0], (k + 63) // 64), np.uint64)
        run = _threaded if inputs.shape[0] >= _THREADED else _plain
        run(
            np.ascontiguousarray(inputs),
            k,
            self.n_inputs,
            self.start,
            self.table,
            self.roots,
            outputs,
            planes,
        )
        return planes
