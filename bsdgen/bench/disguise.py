"""A function in disguise: its bits in another order, half of them inverted, nothing left of its fields.

Bit ``j`` of a disguised row is bit ``order[j]`` of the plain row, exclusive-or ``flip[j]``; inputs and
outputs alike, each over all fields. Care bits move with their outputs. Whoever learns the disguised function
and knows the disguise has learned the plain one (`undisguise`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.oracle.protocol import Oracle

I64 = NDArray[np.int64]
_CHUNK = 4096  # rows a thread takes at a time
_STREAM = 0x64697367  # sets this stream of random numbers apart from others of the same seed


@njit(cache=True, nogil=True, inline="always")
def _exchange(block: U64, j: int, mask: np.uint64) -> None:  # pragma: no cover - compiled
    """One step of the transposition: `j` is a constant where it is called, so that the loop is vectorised."""
    shift = np.uint64(j)
    for base in range(0, 64, 2 * j):
        for k in range(base, base + j):
            low = block[k]
            high = block[k + j]
            t = ((low >> shift) ^ high) & mask
            block[k] = low ^ (t << shift)
            block[k + j] = high ^ t


@njit(cache=True, nogil=True)
def _transpose(block: U64) -> None:  # pragma: no cover - compiled
    """Transpose a 64 x 64 bit matrix in place (Warren, Hacker's Delight, 7-3)."""
    _exchange(block, 32, np.uint64(0x00000000FFFFFFFF))
    _exchange(block, 16, np.uint64(0x0000FFFF0000FFFF))
    _exchange(block, 8, np.uint64(0x00FF00FF00FF00FF))
    _exchange(block, 4, np.uint64(0x0F0F0F0F0F0F0F0F))
    _exchange(block, 2, np.uint64(0x3333333333333333))
    _exchange(block, 1, np.uint64(0x5555555555555555))


@njit(cache=True, nogil=True)
def _move_rows(rows: U64, source: I64, flip: U64, out: U64) -> None:  # pragma: no cover - compiled
    n_bits = source.shape[0]
    words = rows.shape[1]
    planes = np.zeros(64 * words, np.uint64)
    moved = np.zeros(64 * words, np.uint64)
    for first in range(0, rows.shape[0], 64):
        n = min(64, rows.shape[0] - first)
        for word in range(words):
            for row in range(n):
                planes[64 * word + row] = rows[first + row, word]
            _transpose(planes[64 * word : 64 * word + 64])
        moved[n_bits:] = np.uint64(0)
        for bit in range(n_bits):
            moved[bit] = planes[source[bit]] ^ flip[bit]
        for word in range(words):
            _transpose(moved[64 * word : 64 * word + 64])
            for row in range(n):
                out[first + row, word] = moved[64 * word + row]


@njit(cache=True, nogil=True, parallel=True)
def _move_chunks(rows: U64, source: I64, flip: U64, out: U64) -> None:  # pragma: no cover - compiled
    n = rows.shape[0]
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        part = slice(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK))
        _move_rows(rows[part], source, flip, out[part])


class Mover:
    """Moves the bits of packed rows: bit ``source[j]`` of a row becomes bit j of the result.

    Rows are transposed 64 at a time, so that a bit of all of them moves as one word: a loop over the bits of
    each row, or tables of bytes, would cost several times what the oracle does.

    Parameters
    ----------
    source : int64, shape (n_bits,), a permutation.
    before, after : bool, shape (n_bits,): bits inverted before and after they are moved.
    """

    def __init__(self, source: I64, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> None:
        self._source = source.astype(np.int64)
        self._flip = np.where(before[source] ^ after, ~np.uint64(0), np.uint64(0))

    def __call__(self, rows: U64) -> U64:
        """Move the bits of rows (n, words)."""
        out = np.empty((rows.shape[0], n_words(self._source.shape[0])), np.uint64)
        kernel = _move_rows if rows.shape[0] <= _CHUNK else _move_chunks
        kernel(np.ascontiguousarray(rows), self._source, self._flip, out)
        return out


@dataclass(frozen=True)
class Recipe:
    """How to disguise.

    Attributes
    ----------
    seed : of the random choices.
    permute, invert : move all bits; invert a random half of the inputs and of the outputs. Both, unless one
        wants to know which of them a learner minds.
    """

    seed: int = 0
    permute: bool = True
    invert: bool = True


@dataclass(frozen=True, eq=False)
class Disguise:
    """What was done to the bits.

    Attributes
    ----------
    input_order, output_order : int64 permutations; bit j of the disguised row is bit ``order[j]`` of the
        plain one.
    input_flip, output_flip : bool; bits of the disguised row that are inverted.
    """

    input_order: I64
    input_flip: NDArray[np.bool_]
    output_order: I64
    output_flip: NDArray[np.bool_]

    @staticmethod
    def draw(n_inputs: int, n_outputs: int, recipe: "Recipe") -> "Disguise":
        """The disguise of a recipe: the same recipe gives the same one."""
        rng = np.random.default_rng(np.random.SeedSequence([_STREAM, recipe.seed]))
        parts: list[NDArray[Any]] = []
        for n in (n_inputs, n_outputs):
            order, flip = rng.permutation(n), rng.permutation(n) < n // 2
            parts += [order if recipe.permute else np.arange(n), flip & recipe.invert]
        return Disguise(*parts)

    def rows(self, inputs: U64) -> U64:
        """Plain input rows, disguised."""
        return Mover(self.input_order, np.zeros_like(self.input_flip), self.input_flip)(inputs)

    def undo(self, bsd: Bsd) -> Bsd:
        """The plain diagram of a disguised one: the same nodes, other names on inputs and outputs."""
        literal = np.arange(2 * (1 + bsd.n_inputs + bsd.n_nodes), dtype=np.int32)
        for j, (bit, flip) in enumerate(zip(self.input_order, self.input_flip, strict=True)):
            literal[2 * (1 + j)] = 2 * (1 + bit) + flip
            literal[2 * (1 + j) + 1] = 2 * (1 + bit) + (not flip)
        roots = np.empty_like(bsd.roots)
        roots[self.output_order] = literal[bsd.roots] ^ self.output_flip.astype(np.int32)
        return Bsd(bsd.n_inputs, literal[bsd.guard], literal[bsd.low], literal[bsd.high], roots)


class DisguisedOracle:
    """An oracle seen through a disguise.

    Parameters
    ----------
    inner : the plain oracle.
    recipe : of the disguise.
    """

    def __init__(self, inner: Oracle, recipe: Recipe) -> None:
        self.inner = inner
        self.disguise = Disguise.draw(inner.n_inputs, inner.n_outputs, recipe)
        d = self.disguise
        nothing = np.zeros_like(d.output_flip)
        self._inputs = Mover(np.argsort(d.input_order), d.input_flip, np.zeros_like(d.input_flip))
        self._outputs = Mover(d.output_order, nothing, d.output_flip)
        self._care = Mover(d.output_order, nothing, nothing)

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return self.inner.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return self.inner.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Ask the plain oracle; see `bsdgen.oracle.protocol.Oracle.query`."""
        outputs, care = self.inner.query(self._inputs(inputs))
        return self._outputs(outputs), self._care(care)


def disguised(make: Callable[[], Oracle], recipe: Recipe) -> Oracle:
    """The oracle that `make` gives, in disguise; picklable by `functools.partial`."""
    return DisguisedOracle(make(), recipe)


def undisguise(n_inputs: int, n_outputs: int, recipe: Recipe, bsd: Bsd) -> Bsd:
    """The plain diagram of one that was learned in disguise."""
    return Disguise.draw(n_inputs, n_outputs, recipe).undo(bsd)
