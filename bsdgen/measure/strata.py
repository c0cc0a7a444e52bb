"""Where fresh vectors come from: a protocol, and the choice by schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.traces.schema import RVFI_SCHEMA, Schema

BLOCK = 1 << 16
"""Vectors that a source draws at a time; block b of a seed holds its vectors from ``b * BLOCK`` on."""


@dataclass(frozen=True, eq=False)
class Axes:
    """How vectors are stratified: each is in one cell, a row class, operand class and hazard.

    Attributes
    ----------
    classes : names that results show, in order.
    rows, operands, hazards : names along the three axes; one nameless entry where a source does not tell.
    class_of : intp, shape (len(rows),)
        To which of `classes` each row class belongs.
    """

    classes: tuple[str, ...]
    rows: tuple[str, ...]
    operands: tuple[str, ...] = ("",)
    hazards: tuple[str, ...] = ("",)
    class_of: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Names along the three axes."""
        return self.rows, self.operands, self.hazards

    @property
    def shape(self) -> tuple[int, int, int]:
        """Extents; a cell's number is its flat index."""
        return len(self.rows), len(self.operands), len(self.hazards)

    @property
    def n_cells(self) -> int:
        """Cells in all."""
        return len(self.rows) * len(self.operands) * len(self.hazards)


class Strata(Protocol):
    """A source of vectors in cells, drawn by position."""

    @property
    def stream(self) -> str:
        """Name of what is drawn: another one whenever a seed gives other vectors."""

    @property
    def axes(self) -> Axes:
        """How vectors are stratified."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names of the distributions that operands are drawn from."""

    def draw(self, seed: int, block: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw a block of `BLOCK` vectors; the same for the same seed and number, wherever it is drawn.

        Returns
        -------
        columns : uint64, shape (n_input_fields, BLOCK)
            One row an input field, in schema order.
        cells : intp, shape (BLOCK,)
            Each vector's cell.
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
