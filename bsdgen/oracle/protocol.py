"""What the learner asks, and all that it sees.

An oracle is a function of packed bits (`bsdgen.bits`): a batch of inputs goes in, a batch of outputs and of
care masks comes out. It must be deterministic. It says nothing of fields, names or meanings.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64


@runtime_checkable
class Oracle(Protocol):
    """A deterministic Boolean function with don't-cares, asked in batches."""

    @property
    def n_inputs(self) -> int:
        """Input bits."""

    @property
    def n_outputs(self) -> int:
        """Output bits."""

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Evaluate a batch.

        Parameters
        ----------
        inputs : uint64, shape (n, n_words(n_inputs)), C-contiguous
            Bits above `n_inputs` are 0.

        Returns
        -------
        outputs, care : uint64, shape (n, n_words(n_outputs)) each
            Where a care bit is 0 the output bit means nothing to anyone; its value is what costs least to
            say.
        """


@runtime_checkable
class Selective(Oracle, Protocol):
    """An oracle that says one output at less cost than all of them."""

    def query_outputs(self, inputs: U64, k: int, outputs: NDArray[np.int64]) -> U64:
        """Values of one output for each `k` rows; those of uncared bits mean nothing.

        Parameters
        ----------
        inputs : uint64, shape (j * k, n_words(n_inputs)), C-contiguous
        outputs : int64, shape (j,)

        Returns
        -------
        uint64, shape (j, ceil(k / 64)): bit r of word w is row 64 w + r.
        """
