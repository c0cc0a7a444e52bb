"""Rows on which functions that look alike on random rows differ.

The last bits of a chain, such as an increment's, hardly ever matter on random rows: whatever stands for them
seems to match. Rows that walk down the diagrams of the functions (`bsdgen.learn.walks`) reach them.
"""

import numpy as np

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn.control import ControlTree
from bsdgen.learn.kernels import rows as row_kernel
from bsdgen.learn.kernels import walk as kernel

_WORDS = 32
_SEED = 0x72617265


def walked_planes(bsd: Bsd, tree: ControlTree) -> U64:
    """Planes (n_inputs, 32) of rows that walk down what outputs are in the contexts.

    Each function is walked down about as often, or, of more than there are rows, some of them once."""
    rng = np.random.default_rng(_SEED)
    literals = np.unique(tree.literal[tree.literal >> 1 > bsd.n_inputs] & ~1)
    n = 64 * _WORDS
    words = (bsd.n_inputs + 63) // 64
    rows = rng.integers(0, 1 << 64, (n, words), np.uint64)
    depth = np.empty(1 + bsd.n_inputs + bsd.n_nodes, np.int64)
    kernel.depths(bsd.n_inputs, bsd.low, bsd.high, depth)
    start = np.full(n, -1, np.int32)
    if literals.shape[0]:
        start = rng.permutation(np.resize(rng.permutation(literals), n)).astype(np.int32)
    free, which = np.zeros((1, words), np.uint64), np.zeros(n, np.int64)
    key = rng.integers(0, 1 << 64, dtype=np.uint64)
    kernel.walk(key, bsd.n_inputs, bsd.guard, bsd.low, bsd.high, depth, start, free, which, rows)
    planes = np.zeros((bsd.n_inputs, _WORDS), np.uint64)
    row_kernel.planes_of(rows, bsd.n_inputs, planes)
    return planes
