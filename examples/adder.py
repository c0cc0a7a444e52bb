"""A 4-bit adder as an oracle: one numpy array a field in, one a field out.

Learn it with ``bsdgen learn --oracle examples.adder:add --schema examples/adder.toml -o rtl_out/adder``.
"""

import numpy as np
from numpy.typing import NDArray


def add(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> dict[str, NDArray[np.uint64]]:
    """Sum of two 4-bit numbers, 5 bits wide."""
    return {"total": a + b}
