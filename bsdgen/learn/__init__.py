"""The learner: bits in, bits out, nothing else."""

from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.learner import BsdLearner

__all__ = ["BsdLearner", "Event", "LearnConfig", "LearnStats"]
