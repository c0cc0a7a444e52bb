"""Vectors for the RV32I step function, by instruction, operand class and hazard."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.coverage.cells import HAZARDS, OPERANDS, ROWS, cells_of, row_classes
from bsdgen.measure.rv32i_draw import DISTRIBUTIONS, RUN, STREAM, draw_runs, stream_base
from bsdgen.measure.strata import BLOCK, Axes


class InstructionStrata:
    """Every instruction in equal parts, illegal encodings of all patterns, and uniform words.

    A vector's class is the instruction that its word is, whatever it was drawn as; words that are none are
    "illegal".
    """

    stream = STREAM
    distributions = DISTRIBUTIONS

    def __init__(self) -> None:
        classes, class_of = row_classes()
        self.axes = Axes(classes, ROWS, OPERANDS, HAZARDS, class_of)

    def draw(self, seed: int, block: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw a block; see `bsdgen.measure.strata.Strata.draw`."""
        words = np.empty((5, BLOCK), np.uint32)
        draw_runs(stream_base(seed), block * (BLOCK // RUN), words)
        return words.astype(np.uint64), cells_of(words)

    def describe(self, inputs: Mapping[str, int]) -> str:
        """Disassemble the vector's instruction."""
        from bsdgen.isa.disassembly import disassemble

        return str(disassemble(inputs["insn"], inputs["pc_rdata"]))
