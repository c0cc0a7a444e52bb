"""The next variable of a shared order, read off sensitivity planes without questions to the oracle.

The plain rule takes the variable that leaves the fewest distinct functions, among equal ones a variable that
the function of the most variables needs, among these the one with the largest influence on the functions that
depend on it. A function that is seen to depend on the variable on rows of its own only counts as two. The
rule errs where a variable's reach is not seen: the lowest bit of a weighted sum reaches every output, the
high ones on one row in millions, and so seems to cost little. The careful rule therefore leaves a variable
for later while part of its reach is seen on a few rows only, for then there is likely more that is not seen.
"""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels import influence as kernel

I64 = NDArray[np.int64]
_SELDOM = 16  # a dependence is seldom seen on up to one row in so many
_SELDOM_SHARE = 0.05  # part of a variable's reach that may be seldom seen


def next_variable(base: U64, sens: U64, planes: U64, known: U64, careful: bool) -> int:
    """Choose a variable.

    Parameters
    ----------
    base : (f, b) values of the live functions on common rows, then on rows of their own.
    sens : (f, v, b) their sensitivity planes on the same rows.
    planes : (v, c) values of the variables on the common rows, the first c blocks.
    known : (m,) sorted hashes of functions that exist already.
    careful : which rule.
    """
    blocks = planes.shape[1]
    counts = np.empty(sens.shape[:2], np.int64)
    kernel.influences(sens, counts)
    active = np.flatnonzero(counts.any(axis=0))
    counts = counts[:, active]
    costs = np.empty(active.shape[0], np.int64)
    everywhere = np.full(blocks, np.uint64(0xFFFFFFFFFFFFFFFF))
    kernel.expansion_costs(
        np.ascontiguousarray(base[:, :blocks]),
        np.ascontiguousarray(sens[:, active, :blocks]),
        np.ascontiguousarray(planes[active]),
        known,
        everywhere,
        0,
        costs,
    )
    # a variable seen on own rows only has no measured cost: it comes last
    costs[costs < 0] = np.iinfo(np.int64).max // 2
    # a function that depends on it on its own rows only will probably become two
    costs += (sens[:, active, blocks:].any(axis=2) & ~sens[:, active, :blocks].any(axis=2)).sum(axis=0)
    reach = (counts > 0).sum(axis=0)
    influence = counts.sum(axis=0) / reach
    later = np.zeros(active.shape[0], np.bool_)
    if careful:
        seldom = (counts > 0) & (counts * _SELDOM <= base.shape[1] * 64)
        share = np.maximum(seldom.sum(axis=0) / reach, _SELDOM_SHARE)
        later = share > share.min()
    # of equal ones the variable that the function of the most variables needs: what ends others can wait
    support = np.where(counts > 0, (counts > 0).sum(axis=1)[:, None], 0).max(axis=0)
    return int(active[np.lexsort((active, -influence, -support, costs, later))[0]])
