"""How often a diagram is right, measured on fresh rows."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource

_FIRST = 1 << 12  # rows, twice as many each time
_MOST = 1 << 18


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Fresh rows that were compared, those that are wrong, and those on which each output is wrong."""

    n_rows: int
    n_wrong: int
    by_output: NDArray[np.int64]

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(
            self.n_rows + other.n_rows, self.n_wrong + other.n_wrong, self.by_output + other.by_output
        )


def compare(queries: Queries, bsd: Bsd, rows: U64) -> Accuracy:
    """Compare on the given rows where the oracle cares."""
    found = Accuracy(0, 0, np.zeros(queries.n_outputs, np.int64))
    step = max(64, min(_FIRST, queries.batch_rows // 8))  # bits are unpacked to bytes
    for first in range(0, rows.shape[0], step):
        part = rows[first : first + step]
        outputs, care = queries.ask(part)
        wrong = (bsd.evaluate(part) ^ outputs) & care
        bits = np.unpackbits(wrong.view(np.uint8), axis=1, bitorder="little")[:, : queries.n_outputs]
        by_output = bits.sum(axis=0, dtype=np.int64)
        found += Accuracy(part.shape[0], int(wrong.any(axis=1).sum()), by_output)
    return found


def measure_accuracy(
    queries: Queries, bsd: Bsd, source: RowSource, rng: np.random.Generator, within_s: float | None
) -> Accuracy:
    """Compare on 2**18 or so fresh rows like those of the bank; on fewer if `within_s` is not enough."""
    begun = time.perf_counter()
    n = _FIRST
    measured = compare(queries, bsd, source.mixed(rng, n))
    while measured.n_rows < _MOST:
        # as many rows again take about as long again
        if within_s is not None and 2 * (time.perf_counter() - begun) > within_s:
            break
        measured += compare(queries, bsd, source.mixed(rng, n))
        n *= 2
    return measured
