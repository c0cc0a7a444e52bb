"""The diagram: arrays, construction, evaluation."""

from bsdgen.bsd.builder import Builder
from bsdgen.bsd.diagram import Bsd

__all__ = ["Bsd", "Builder"]
