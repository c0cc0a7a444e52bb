"""What a model costs as standard cells or on an FPGA, beside other cores through the same flow."""

from bsdgen.synth.liberty import Liberty, find_liberty, read_liberty
from bsdgen.synth.result import Synthesis

__all__ = ["Liberty", "Synthesis", "find_liberty", "read_liberty"]
