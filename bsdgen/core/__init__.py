"""Amaranth shells that turn a learned step function into a CPU."""

from bsdgen.core.single import RVFI_PORTS, SingleCycleCore, is_step_function, write_core

__all__ = ["RVFI_PORTS", "SingleCycleCore", "is_step_function", "write_core"]
