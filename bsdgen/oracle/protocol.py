"""What the learner asks, and all that it sees.

An oracle is a function of packed bits (`bsdgen.bits`): a batch of inputs goes in, a batch of outputs and of
care masks comes out. It must be deterministic. It says nothing of fields, names or meanings.
"""

from typing import Protocol, runtime_checkable

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
