"""Where fresh vectors come from: a protocol, and the choice by schema."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.traces.schema import RVFI_SCHEMA, Schema


class Strata(Protocol):
    """A source of vectors in classes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Classes, in the order in which results show them."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names of the distributions that operands are drawn from."""

    def draw(self, rng: np.random.Generator, n: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw vectors.

        Returns
        -------
        columns : uint64, shape (n_input_fields, n)
            One row an input field, in schema order.
        classes : intp, shape (n,)
            Each vector's index into `names`.
        """

    def describe(self, inputs: Mapping[str, int]) -> str:
        """One phrase on a vector (a disassembly, say), or ""."""


def strata_for(schema: Schema) -> Strata:
    """Vectors that suit `schema`: by instruction for the RV32I step function, else generic ones."""
    from bsdgen.measure.generic import GenericStrata
    from bsdgen.measure.rv32i import InstructionStrata

    if [(field.name, field.width) for field in schema.inputs] == [
        (field.name, field.width) for field in RVFI_SCHEMA.inputs
    ]:
        return InstructionStrata()
    return GenericStrata(schema)
