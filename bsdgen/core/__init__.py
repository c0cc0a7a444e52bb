"""Amaranth shells that turn a learned step function into a CPU."""

from bsdgen.core.learned import is_step_function
from bsdgen.core.shells import SHELLS, write_shells
from bsdgen.core.single import SingleCycleCore, write_core
from bsdgen.core.state import RVFI_PORTS

__all__ = ["RVFI_PORTS", "SHELLS", "SingleCycleCore", "is_step_function", "write_core", "write_shells"]
