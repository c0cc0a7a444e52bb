"""The binary speculation diagram: flat arrays, children before parents.

A *literal* is ``2 * index + complement``. Index 0 is the constant FALSE (so literal 0 is FALSE, 1 is TRUE),
indices ``1 .. n_inputs`` are the input variables (variable ``v`` has literal ``2 * (v + 1)``), larger ones
are nodes. Node ``n_inputs + 1 + i`` is ``ITE(guard[i], high[i], low[i])`` with three literals of smaller
index: a guard is a variable or the function of another node, which makes a diagram more than a Shannon
expansion on inputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd.literals import I32, check_graph

_WORDS = 4  # words of 64 rows that are evaluated together
_ROWS = 64 * _WORDS


@njit(cache=True, nogil=True)
def transpose64(block: U64) -> None:  # pragma: no cover - compiled
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
def run_nodes(first: int, guard: I32, low: I32, high: I32, value: U64) -> None:  # pragma: no cover - compiled
    """Fill in the words of the nodes, from row `first` of `value` (n, 4) on."""
    zero = np.uint64(0)
    for i in range(guard.shape[0]):
        g, lo, hi = np.uint64(guard[i] >> 1), np.uint64(low[i] >> 1), np.uint64(high[i] >> 1)
        flip_g = zero - np.uint64(guard[i] & 1)
        flip_lo = zero - np.uint64(low[i] & 1)
        flip_hi = zero - np.uint64(high[i] & 1)
        for j in range(_WORDS):  # a constant: these are one vector instruction each
            off = value[lo, j] ^ flip_lo
            on = value[hi, j] ^ flip_hi
            value[first + i, j] = off ^ ((value[g, j] ^ flip_g) & (off ^ on))


@njit(cache=True, parallel=True, nogil=True)
def _evaluate(
    inputs: U64, n_inputs: int, guard: I32, low: I32, high: I32, roots: I32, out: U64
) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    zero = np.uint64(0)
    for part in prange((n + _ROWS - 1) // _ROWS):
        value = np.empty((1 + n_inputs + guard.shape[0], _WORDS), np.uint64)
        value[: 1 + n_inputs] = zero
        block = np.empty(64, np.uint64)
        for j in range(_WORDS):
            first = part * _ROWS + j * 64
            rows = min(64, n - first)
            if rows > 0:
                for word in range(inputs.shape[1]):
                    for row in range(64):
                        block[row] = inputs[first + row, word] if row < rows else zero
                    transpose64(block)
                    for bit in range(min(64, n_inputs - word * 64)):
                        value[1 + word * 64 + bit, j] = block[bit]
        run_nodes(1 + n_inputs, guard, low, high, value)
        for j in range(_WORDS):
            first = part * _ROWS + j * 64
            rows = min(64, n - first)
            if rows > 0:
                for word in range(out.shape[1]):
                    for bit in range(64):
                        o = word * 64 + bit
                        block[bit] = zero
                        if o < roots.shape[0]:
                            block[bit] = value[roots[o] >> 1, j] ^ (zero - np.uint64(roots[o] & 1))
                    transpose64(block)
                    for row in range(rows):
                        out[first + row, word] = block[row]


@njit(cache=True, parallel=True, nogil=True)
def _evaluate_each(
    inputs: U64, n_inputs: int, guard: I32, low: I32, high: I32, wanted: I32, out: NDArray[np.bool_]
) -> None:  # pragma: no cover - compiled
    n = inputs.shape[0]
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    for chunk in prange((n + 63) // 64):
        first = chunk * 64
        rows = min(64, n - first)
        last = np.int32(0)
        for row in range(rows):
            last = max(last, wanted[first + row] >> 1)
        value = np.zeros(1 + n_inputs + guard.shape[0], np.uint64)
        block = np.zeros(64, np.uint64)
        for word in range(inputs.shape[1]):
            for row in range(64):
                block[row] = inputs[first + row, word] if row < rows else np.uint64(0)
            transpose64(block)
            for bit in range(min(64, n_inputs - word * 64)):
                value[1 + word * 64 + bit] = block[bit]
        for i in range(last - n_inputs):
            g = value[guard[i] >> 1] ^ (ones if guard[i] & 1 else np.uint64(0))
            lo = value[low[i] >> 1] ^ (ones if low[i] & 1 else np.uint64(0))
            hi = value[high[i] >> 1] ^ (ones if high[i] & 1 else np.uint64(0))
            value[1 + n_inputs + i] = (g & hi) | (~g & lo)
        for row in range(rows):
            literal = wanted[first + row]
            bit_of_row = (value[literal >> 1] >> np.uint64(row)) & np.uint64(1)
            out[first + row] = bit_of_row != np.uint64(literal & 1)


@dataclass(frozen=True, eq=False)
class Bsd:
    """A multi-output diagram.

    Attributes
    ----------
    n_inputs : number of input variables.
    guard, low, high : int32, shape (n_nodes,)
        Literals, see the module docstring.
    roots : int32, shape (n_outputs,)
        Literal of each output.

    Examples
    --------
    The exclusive or of two variables is one node: ``ITE(x0, not x1, x1)``.

    >>> import numpy as np
    >>> guard, low, high, roots = (np.array([literal], np.int32) for literal in (2, 4, 5, 6))
    >>> xor = Bsd(2, guard, low, high, roots)
    >>> xor.evaluate(np.array([[0], [1], [2], [3]], np.uint64)).ravel().tolist()
    [0, 1, 1, 0]
    """

    n_inputs: int
    guard: I32
    low: I32
    high: I32
    roots: I32

    def __post_init__(self) -> None:
        fanins = {"guard": self.guard, "low": self.low, "high": self.high}
        check_graph(self.n_inputs, fanins, {"roots": self.roots}, "diagram")

    def __repr__(self) -> str:
        return f"Bsd(inputs={self.n_inputs}, outputs={self.n_outputs}, nodes={self.n_nodes})"

    @property
    def n_nodes(self) -> int:
        """Decision nodes (variables and the constant not counted)."""
        return int(self.guard.shape[0])

    @property
    def n_outputs(self) -> int:
        """Outputs."""
        return int(self.roots.shape[0])

    def evaluate(self, inputs: U64) -> U64:
        """Evaluate packed rows (`bsdgen.bits`), 64 at a time, on all cores.

        Parameters
        ----------
        inputs : uint64, shape (n, n_words(n_inputs))

        Returns
        -------
        uint64, shape (n, n_words(n_outputs))
        """
        self._check_inputs(inputs)
        out = np.zeros((inputs.shape[0], n_words(self.n_outputs)), np.uint64)
        if out.size:
            _evaluate(
                np.ascontiguousarray(inputs), self.n_inputs, self.guard, self.low, self.high, self.roots, out
            )
        return out

    def evaluate_each(self, inputs: U64, literals: I32) -> NDArray[np.bool_]:
        """Evaluate one literal of the diagram on each row.

        Parameters
        ----------
        inputs : uint64, shape (n, n_words(n_inputs))
        literals : int32, shape (n,); rows whose literals are close by cost least.

        Returns
        -------
        bool, shape (n,)
        """
        self._check_inputs(inputs)
        check_graph(self.n_inputs, {"guard": self.guard}, {"literals": literals}, "diagram")
        if literals.shape != inputs.shape[:1]:
            raise ValueError(f"literals must have shape {inputs.shape[:1]}, not {literals.shape}")
        out = np.zeros(literals.shape, np.bool_)
        _evaluate_each(
            np.ascontiguousarray(inputs), self.n_inputs, self.guard, self.low, self.high, literals, out
        )
        return out

    def _check_inputs(self, inputs: U64) -> None:
        if inputs.dtype != np.uint64 or inputs.ndim != 2 or inputs.shape[1] != n_words(self.n_inputs):
            raise ValueError(
                f"inputs must be uint64 of shape (n, {n_words(self.n_inputs)}), "
                f"not {inputs.dtype} {inputs.shape}"
            )

    def supports(self) -> NDArray[np.bool_]:
        """Structural support: bool, shape (1 + n_inputs + n_nodes, n_inputs), by index."""
        support = np.zeros((1 + self.n_inputs + self.n_nodes, self.n_inputs), np.bool_)
        support[1 : 1 + self.n_inputs] = np.eye(self.n_inputs, dtype=np.bool_)
        for i in range(self.n_nodes):
            support[1 + self.n_inputs + i] = (
                support[self.guard[i] >> 1] | support[self.low[i] >> 1] | support[self.high[i] >> 1]
            )
        return support

    def nodes(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (index, guard, low, high) of each node, children before parents."""
        for i in range(self.n_nodes):
            yield 1 + self.n_inputs + i, int(self.guard[i]), int(self.low[i]), int(self.high[i])
