"""What is inside a model: its contexts, shared functions, operands, evidence, and any node."""

from bsdgen.inspect.inspection import Inspection

__all__ = ["Inspection"]
