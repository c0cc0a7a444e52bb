"""The learner: bits in, bits out, nothing else."""

from bsdgen.learn.budget import fence
from bsdgen.learn.checkpoint import is_there as has_checkpoint
from bsdgen.learn.checkpoint import remove as remove_checkpoint
from bsdgen.learn.config import Event, LearnConfig, LearnStats
from bsdgen.learn.learner import BsdLearner

__all__ = [
    "BsdLearner",
    "Event",
    "LearnConfig",
    "LearnStats",
    "fence",
    "has_checkpoint",
    "remove_checkpoint",
]
