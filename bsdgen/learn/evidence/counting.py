"""How many recorded rows a diagram's claims rest on.

The diagram is made from what the rows say, not from the rows; so the rows inside each claim's cube are
counted again here: those learned from, which support it, and those held out, which might have refuted it.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.ledger import Ledger, Status

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
_MOST_ROWS = 1 << 16  # rows that are looked through for every claim


@njit(cache=True, nogil=True)
def _count(rows: U64, care: U64, mask: U64, value: U64, output: I32, counts: I64) -> None:
    """Rows inside each cube that care for its output (any, for output -1); counts (n,)."""
    for claim in range(mask.shape[0]):
        bit = output[claim]
        for row in range(rows.shape[0]):
            inside = True
            for word in range(rows.shape[1]):
                if rows[row, word] & mask[claim, word] != value[claim, word]:
                    inside = False
                    break
            if inside and (bit < 0 or care[row, bit >> 6] >> np.uint64(bit & 63) & np.uint64(1)):
                counts[claim] += 1


def counted(
    arrays: dict[str, NDArray[Any]], learned: tuple[U64, U64], held: tuple[U64, U64, U64]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """A ledger's arrays with the rows that support its claims, and its summary.

    Parameters
    ----------
    learned : inputs and care of rows learned from.
    held : inputs, care and wrong cared outputs of rows held out.

    Only the first 65,536 rows of either are looked through; all of a model's rows support it, so these counts
    are at most what there is. A claim is confirmed by a held-out row that cares for its output and comes out
    right, and refuted by one that comes out wrong.
    """
    ledger = Ledger.from_arrays(arrays)
    if ledger is None:
        return arrays, {}
    cube = ledger.mask, ledger.value, ledger.output
    rows = np.zeros(len(ledger), np.int64)
    _count(learned[0][:_MOST_ROWS], learned[1][:_MOST_ROWS], *cube, rows)
    inputs, care, wrong = (part[:_MOST_ROWS] for part in held)
    right, refuting = np.zeros_like(rows), np.zeros_like(rows)
    _count(inputs, care & ~wrong, *cube, right)
    _count(inputs, wrong, *cube, refuting)
    status = np.where(
        (refuting > 0) & (ledger.output >= 0),
        Status.REFUTED,
        np.where(right > 0, Status.CONFIRMED, Status.SPECULATED),
    )
    known = replace(ledger, rows=rows, fresh=right, status=status.astype(np.uint8))
    return arrays | known.arrays(), known.summary()
