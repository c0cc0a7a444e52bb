"""What traces, vectors and programs covered: instruction, operand class and hazard of the environment."""

from bsdgen.coverage.result import Covered, coverage_text, document, together

__all__ = ["Covered", "coverage_text", "document", "together"]
