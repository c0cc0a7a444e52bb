"""Counts of a range of vectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counts:
    """What was found on some vectors of one seed.

    Attributes
    ----------
    n, errors : int64, shape (n_cells,)
        Vectors by cell (`bsdgen.measure.strata.Axes`), and those that differ in a cared bit.
    by_output : int64, shape (n_output_fields,)
        Vectors that differ in each output field.
    failed : int64, shape (n_rows,)
        Position in the seed's stream of the first vector of each row class that differs, or -1.
    """

    n: I64
    errors: I64
    by_output: I64
    failed: I64

    def same(self, other: "Counts") -> bool:
        """Whether both say the same."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("n", "errors", "by_output", "failed")
        )

    def __add__(self, other: "Counts") -> "Counts":
        """Both together; the earlier failures stay."""
        either = np.where(self.failed < 0, other.failed, self.failed)
        both = (self.failed >= 0) & (other.failed >= 0)
        return Counts(
            self.n + other.n,
            self.errors + other.errors,
            self.by_output + other.by_output,
            np.where(both, np.minimum(self.failed, other.failed), either),
        )
