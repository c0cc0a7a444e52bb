"""The diagram: arrays, construction, evaluation."""

from bsdgen.bsd.diagram import Bsd

__all__ = ["Bsd"]
