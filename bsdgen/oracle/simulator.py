"""The RV32I or RV32E step function as an oracle."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bsdgen.bits import U64
from bsdgen.isa.step import step_packed
from bsdgen.isa.subsets import rows_inside, trap_beyond_rv32e
from bsdgen.traces.schema import RVFI_SCHEMA

Base = Literal["rv32i", "rv32e"]


class SimulatorOracle:
    """Answers by executing `bsdgen.isa.step`; batches are spread over all cores.

    Parameters
    ----------
    base : RV32I, or RV32E, where an instruction that uses one of x16 to x31 is illegal.
    classes : opcode classes (`bsdgen.isa.subsets`) that it cares for; None: all words. Outside of them it
        says what it would say anyway and cares for no bit of it.

    Examples
    --------
    >>> oracle = SimulatorOracle()
    >>> oracle.n_inputs, oracle.n_outputs, oracle.name
    (160, 152, 'simulator:rv32i')
    >>> SimulatorOracle("rv32e", ("branch", "load")).name
    'simulator:rv32e+branch+load'
    """

    schema = RVFI_SCHEMA

    def __init__(self, base: Base = "rv32i", classes: Sequence[str] | None = None) -> None:
        self.base = base
        self.classes = None if classes is None else tuple(classes)

    @property
    def name(self) -> str:
        """Text that `bsdgen.oracle.resolve` understands."""
        return "+".join([f"simulator:{self.base}", *(self.classes or ())])

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
        outputs, care = step_packed(inputs)
        if self.base == "rv32e":
            trap_beyond_rv32e(inputs, outputs, care)
        if self.classes is not None:
            np.multiply(care, rows_inside(inputs, self.classes)[:, None], out=care)
        return outputs, care
