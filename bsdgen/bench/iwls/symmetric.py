"""Functions of the number of ones alone, and of that number and a few single inputs."""

from dataclasses import dataclass

import numpy as np

from bsdgen.bench.iwls import arithmetic as at
from bsdgen.bench.iwls.rows import Rows
from bsdgen.circuit.aig import Aig, AigBuilder


@dataclass(frozen=True)
class Symmetric:
    """A label by number of ones among all inputs."""

    table: tuple[int, ...]

    def circuit(self, n_inputs: int) -> Aig:
        """An adder tree and a table."""
        builder = AigBuilder(n_inputs)
        count = at.popcount(builder, [2 * (1 + i) for i in range(n_inputs)])
        return builder.build([at.table(builder, count, self.table)])


def find_symmetric(rows: Rows) -> Symmetric:
    """The most frequent label of each number of ones; of numbers never seen, that of the nearest seen."""
    count = rows.inputs.sum(axis=1, dtype=np.int64)
    n = np.bincount(count, minlength=rows.n_inputs + 1)
    ones = np.bincount(count, weights=rows.labels, minlength=rows.n_inputs + 1)
    seen = np.flatnonzero(n)
    nearest = seen[abs(np.arange(rows.n_inputs + 1)[:, None] - seen[None, :]).argmin(axis=1)]
    return Symmetric(tuple(int(2 * ones[i] > n[i]) for i in nearest))
