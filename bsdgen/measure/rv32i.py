"""Vectors for the RV32I step function, by instruction."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.isa.encoding import ENCODINGS, INSTRUCTIONS
from bsdgen.measure import encodings, operands

_SHARE_ODD = 0.12  # of the vectors: mostly illegal encodings
_SHARE_RANDOM = 0.08  # of the vectors: uniform words as instructions


class InstructionStrata:
    """Every instruction in equal parts, illegal encodings of all shapes, and uniform words.

    A vector's class is the instruction that its word is, whatever it was drawn as; words that are none are
    "illegal".
    """

    names: tuple[str, ...] = (*INSTRUCTIONS, "illegal")
    distributions: tuple[str, ...] = tuple(
        function.__name__.removeprefix("draw_") for function in operands.DISTRIBUTIONS
    )

    def draw(self, rng: np.random.Generator, n: int) -> tuple[U64, NDArray[np.intp]]:
        """Draw vectors; see `bsdgen.measure.strata.Strata.draw`."""
        from bsdgen.isa.step import classify

        insn = self._instructions(rng, n)
        index = classify(insn).astype(np.intp)
        imm = encodings.immediates(insn, index)
        pc, rs1, rs2, mem = (operands.uniform(rng, n) for _ in range(4))
        count = len(operands.DISTRIBUTIONS)
        # A stride a distribution: neighbours share an instruction, so every instruction meets them all.
        for first, fill in enumerate(operands.DISTRIBUTIONS):
            views = (array[first::count] for array in (imm, pc, rs1, rs2, mem))
            fill(rng, operands.Operands(*views))
        operands.align_pc(rng, pc)
        columns = np.stack([insn, pc, rs1, rs2, mem]).astype(np.uint64)
        return columns, np.where(index < 0, len(INSTRUCTIONS), index)

    def _instructions(self, rng: np.random.Generator, n: int) -> NDArray[np.uint32]:
        n_odd, n_random = int(n * _SHARE_ODD), int(n * _SHARE_RANDOM)
        n_legal = n - n_odd - n_random
        # Blocks that do not divide evenly start at another instruction each time, so that none falls behind.
        order = rng.permutation(len(ENCODINGS))
        sizes = [part.size for part in np.array_split(np.arange(n_legal), len(ENCODINGS))]
        parts = [
            encodings.legal(rng, ENCODINGS[which], size) for which, size in zip(order, sizes, strict=True)
        ]
        return np.concatenate([*parts, encodings.odd(rng, n_odd), encodings.words32(rng, n_random)])

    def describe(self, inputs: Mapping[str, int]) -> str:
        """Disassemble the vector's instruction."""
        from bsdgen.isa.disassembly import disassemble

        return str(disassemble(inputs["insn"], inputs["pc_rdata"]))
