"""Compiled loop over Boolean differences: which variables act alike."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from bsdgen.bits import U64

I64 = NDArray[np.int64]


@njit(cache=True, parallel=True, nogil=True)
def agreement(differences: U64, same: I64, other: I64) -> None:
    """Compare the effects of variables pair by pair.

    differences (v, k, w): change of all outputs by flipping a variable on a row. same (v, v): rows on which
    both variables have an effect and it is the same one; other (v, v): rows on which both have an effect and
    they differ.
    """
    n_vars, n_rows, n_words = differences.shape
    active = np.zeros((n_vars, n_rows), np.bool_)
    for x in prange(n_vars):
        for e in range(n_rows):
            for w in range(n_words):
                if differences[x, e, w]:
                    active[x, e] = True
    for x in prange(n_vars):
        for z in range(x):
            n_same = 0
            n_other = 0
            for e in range(n_rows):
                if active[x, e] and active[z, e]:
                    equal = True
                    for w in range(n_words):
                        if differences[x, e, w] != differences[z, e, w]:
                            equal = False
                            break
                    if equal:
                        n_same += 1
                    else:
                        n_other += 1
            same[x, z] = n_same
            same[z, x] = n_same
            other[x, z] = n_other
            other[z, x] = n_other
