"""The row store: what was recorded, packed, with care masks; equal rows counted, contradictions found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.learn.kernels import evidence as kernel

I32 = NDArray[np.int32]
_CLUSTER_ROWS = 8192  # rows on which inputs are seen to belong together
_TOGETHER = 0.12  # correlation from which two inputs belong together
_WORD = 16  # inputs from which a cluster is a word, whose density tells typical rows
_TYPICAL = (0.27, 0.73)


@dataclass(frozen=True, eq=False)
class RowStore:
    """Rows in a fixed shuffled order, so that the first ones of any subset are a sample of it.

    Attributes
    ----------
    n_inputs, n_outputs : bits.
    packed : uint64, shape (n, 2 * w_out + w_in): inputs, cared outputs (0 elsewhere), care.
    typical : bool, shape (n,)
        Rows in which no word (inputs that are correlated over all rows) is nearly constant: on the others
        many functions look alike.
    """

    n_inputs: int
    n_outputs: int
    packed: U64
    typical: NDArray[np.bool_]

    @staticmethod
    def of(inputs: U64, outputs: U64, care: U64, n_inputs: int, n_outputs: int, seed: int) -> "RowStore":
        """The store of distinct rows. The value of an uncared output bit is not read."""
        order = np.random.default_rng([seed, 1]).permutation(inputs.shape[0])
        packed = np.ascontiguousarray(np.concatenate([inputs, outputs & care, care], axis=1)[order])
        return RowStore(n_inputs, n_outputs, packed, _typical(packed[:, : n_words(n_inputs)], n_inputs))

    @property
    def n_rows(self) -> int:
        """Rows."""
        return int(self.packed.shape[0])

    @property
    def inputs(self) -> U64:
        """Inputs of all rows, packed."""
        return np.ascontiguousarray(self.packed[:, : n_words(self.n_inputs)])

    def extended(self, inputs: U64, outputs: U64, care: U64) -> "RowStore":
        """The store with more rows behind those that it has."""
        more = np.concatenate([inputs, outputs & care, care], axis=1)
        packed = np.concatenate([self.packed, more])
        typical = _typical(packed[:, : n_words(self.n_inputs)], self.n_inputs)
        return RowStore(self.n_inputs, self.n_outputs, packed, typical)

    def planes(self, chosen: I32) -> tuple[U64, U64, U64]:
        """Planes of inputs, outputs and care of the chosen rows: (n_inputs, b), (n_outputs, b) twice."""
        w_in, w_out = n_words(self.n_inputs), n_words(self.n_outputs)
        out = np.empty((64 * self.packed.shape[1], n_words(chosen.shape[0])), np.uint64)
        kernel.planes_of_rows(self.packed, chosen, out)
        y = out[64 * w_in : 64 * w_in + self.n_outputs]
        c = out[64 * (w_in + w_out) : 64 * (w_in + w_out) + self.n_outputs]
        return out[: self.n_inputs], y, c


def bits_of(plane: U64, n: int) -> NDArray[np.bool_]:
    """The first n rows of a plane as bool."""
    return np.unpackbits(plane.view(np.uint8), bitorder="little", count=n).astype(np.bool_)


def _clusters(inputs: U64, n_inputs: int) -> Sequence[tuple[list[int], list[int]]]:
    """Inputs that are correlated, directly or through others, and which of them are so inversely."""
    bits = np.unpackbits(
        np.ascontiguousarray(inputs[:_CLUSTER_ROWS]).view(np.uint8), axis=1, bitorder="little"
    )
    wide = bits[:, :n_inputs].astype(np.float32)
    wide -= wide.mean(axis=0)
    deviation = np.sqrt((wide**2).mean(axis=0))
    correlation = (wide.T @ wide) / max(1, wide.shape[0]) / np.maximum(np.outer(deviation, deviation), 1e-9)
    left = set(range(n_inputs))
    clusters = []
    while left:
        first = min(left)
        sign = {first: 1}
        stack = [first]
        while stack:
            at = stack.pop()
            for other in np.flatnonzero(np.abs(correlation[at]) > _TOGETHER).tolist():
                if other not in sign:
                    sign[other] = sign[at] * (1 if correlation[at, other] > 0 else -1)
                    stack.append(other)
        left -= sign.keys()
        members = sorted(sign)
        clusters.append((members, [m for m in members if sign[m] < 0]))
    return clusters


def _typical(inputs: U64, n_inputs: int) -> NDArray[np.bool_]:
    typical = np.ones(inputs.shape[0], np.bool_)
    for members, inverted in _clusters(inputs, n_inputs):
        if len(members) < _WORD:
            continue
        mask, flip = np.zeros(inputs.shape[1], np.uint64), np.zeros(inputs.shape[1], np.uint64)
        for which, word in ((members, mask), (inverted, flip)):
            for at in which:
                word[at >> 6] |= np.uint64(1) << np.uint64(at & 63)
        density = np.bitwise_count((inputs ^ flip) & mask).sum(axis=1) / len(members)
        typical &= (density > _TYPICAL[0]) & (density < _TYPICAL[1])
    return typical
