"""Functions of two 32-bit words as oracles; all have the fields of examples/words.toml.

Learn one with ``bsdgen learn --oracle examples.words:add --schema examples/words.toml -o rtl_out/add32``; it
prints the number of nodes.
"""

import numpy as np
from numpy.typing import NDArray

Word = NDArray[np.uint64]
_MASK = np.uint64(0xFFFFFFFF)


def add(a: Word, b: Word) -> dict[str, Word]:
    """Sum."""
    return {"y": (a + b) & _MASK}


def shift_left(a: Word, b: Word) -> dict[str, Word]:
    """Shift by the low five bits of b."""
    return {"y": (a << (b & np.uint64(31))) & _MASK}


def negated_sum(a: Word, b: Word) -> dict[str, Word]:
    """Two's complement of the sum."""
    return {"y": (np.uint64(0) - a - b) & _MASK}


def weighted_sum(a: Word, b: Word) -> dict[str, Word]:
    """A sum for which only one family of orders is good: both words from their high bits down, together."""
    return {"y": (np.uint64(11) * a + np.uint64(5) * b + np.uint64(4)) & _MASK}


def product(a: Word, b: Word) -> dict[str, Word]:
    """Low word of the product: no diagram of its middle bits is small."""
    return {"y": (a * b) & _MASK}
