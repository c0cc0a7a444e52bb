"""Learning from recorded rows alone: what rows say, on how many rows it rests, and what goes beyond them."""

from bsdgen.learn.evidence.counting import counted
from bsdgen.learn.evidence.hypothesis import Hypothesis
from bsdgen.learn.evidence.learner import Evidence, evidence_of
from bsdgen.learn.evidence.support import Unsupported

__all__ = ["Evidence", "Hypothesis", "Unsupported", "counted", "evidence_of"]
