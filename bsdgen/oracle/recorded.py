"""Recorded rows as an oracle: it knows what was recorded and nothing else."""

import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.errors import OracleError
from bsdgen.traces.index import RowIndex
from bsdgen.traces.store import Traces


class RecordedOracle:
    """Answers questions whose row was recorded.

    Parameters
    ----------
    traces : recorded rows; of contradicting ones the first counts.
    strict : bool
        Whether a question that was never recorded is an error. If not, its answer is 0 with nothing cared.
    """

    def __init__(self, traces: Traces, *, strict: bool = True) -> None:
        self.traces = traces
        self.strict = strict
        self._index = RowIndex(traces.inputs)

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return self.traces.schema.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return self.traces.schema.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Look each row up; see `bsdgen.oracle.protocol.Oracle.query`.

        Raises
        ------
        OracleError
            A row was never recorded (if `strict`).
        """
        found = self._index.find(inputs)
        known = found >= 0
        if self.strict and not known.all():
            row = int(np.argmin(known))
            words = ", ".join(f"{int(word):#x}" for word in inputs[row])
            raise OracleError(
                f"recorded rows: {int((~known).sum())} of {inputs.shape[0]} questions were never recorded, "
                f"the first is row {row} (packed words {words}); record more, or use an oracle that can "
                "answer everything (a simulator or a function)"
            )
        outputs = np.zeros((inputs.shape[0], n_words(self.n_outputs)), np.uint64)
        care = np.zeros_like(outputs)
        outputs[known] = self.traces.outputs[found[known]]
        care[known] = self.traces.care[found[known]]
        return outputs, care
