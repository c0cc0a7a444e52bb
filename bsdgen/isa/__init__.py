"""RV32I: encodings, step function, programs, runner, disassembly."""

from bsdgen.isa.encoding import INSTRUCTIONS
from bsdgen.isa.step import classify, step, step_packed

__all__ = ["INSTRUCTIONS", "classify", "step", "step_packed"]
