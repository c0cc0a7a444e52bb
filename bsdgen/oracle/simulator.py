"""The RV32I step function as an oracle."""

from bsdgen.bits import U64
from bsdgen.isa.step import step_packed
from bsdgen.traces.schema import RVFI_SCHEMA


class SimulatorOracle:
    """Answers by executing `bsdgen.isa.step`; batches are spread over all cores.

    Examples
    --------
    >>> oracle = SimulatorOracle()
    >>> oracle.n_inputs, oracle.n_outputs
    (160, 152)
    """

    name = "simulator:rv32i"
    schema = RVFI_SCHEMA

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return RVFI_SCHEMA.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return RVFI_SCHEMA.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Execute each row; see `bsdgen.oracle.protocol.Oracle.query`."""
        return step_packed(inputs)
