"""Rows on which functions that look alike on random rows differ.

The last bits of a chain, such as an increment's, hardly ever matter on random rows: whatever stands for them
seems to match. Rows that walk down the diagrams of the functions (`bsdgen.learn.walks`) reach them.
"""

import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.learn.control import ControlTree
from bsdgen.learn.kernels.rows import planes_of
from bsdgen.learn.walks import Walker

_WORDS = 32  # of planes
_SEED = 0x72617265


def walked_planes(bsd: Bsd, tree: ControlTree) -> U64:
    """Planes (n_inputs, 32) of rows that walk down what outputs are in the contexts.

    Each function is walked down about as often, or, of more than there are rows, some of them once.
    """
    rng = np.random.default_rng(_SEED)
    n, w = 64 * _WORDS, n_words(bsd.n_inputs)
    rows = rng.integers(0, 1 << 64, (n, w), np.uint64)
    functions = np.unique(tree.literal[tree.literal >> 1 > bsd.n_inputs] & ~1)
    if functions.shape[0]:
        start = np.resize(rng.permutation(functions), n).astype(np.int32)
        Walker(bsd, tree).down(rng, rows, np.zeros((1, w), np.uint64), np.zeros(n, np.int64), start)
    planes = np.zeros((bsd.n_inputs, _WORDS), np.uint64)
    planes_of(rows, bsd.n_inputs, planes)
    return planes
