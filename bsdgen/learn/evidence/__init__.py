"""Learning from recorded rows alone: what rows say, on how many rows it rests, and what goes beyond them."""

from bsdgen.learn.evidence.claims.support import Unsupported
from bsdgen.learn.evidence.counting import counted
from bsdgen.learn.evidence.hypothesis import Hypothesis
from bsdgen.learn.evidence.learner import Evidence, evidence_of

__all__ = ["Evidence", "Hypothesis", "Unsupported", "counted", "evidence_of"]
