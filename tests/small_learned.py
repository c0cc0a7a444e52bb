"""A small learned model with all there is to see: contexts, a function guard, carries, multiplexers."""

import functools

import numba
import numpy as np

from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.model import Model
from bsdgen.oracle.function import FunctionOracle
from bsdgen.traces.schema import Field, Schema

UNIT = Schema(
    (
        Field("op", 2, "in"),
        Field("a", 16, "in"),
        Field("b", 16, "in"),
        Field("c", 12, "in"),
        Field("d", 12, "in"),
        Field("y", 16, "out"),
        Field("z", 16, "out"),
        Field("same", 1, "out"),
    )
)


def unit(op: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> dict[str, np.ndarray]:
    """y is a + b, a & b, or, where c and d are equal, a - b, else b; z is a or b."""
    y = np.choose(op.astype(np.int64), [a + b, a & b, *2 * [np.where(c == d, a - b, b)]]) & np.uint64(0xFFFF)
    return {"y": y, "z": np.where(op == 1, a, b), "same": (c == d).astype(np.uint64)}


@functools.cache
def learned_unit(share: bool = True) -> Model:
    """The model of `unit`, with or without the passes that share functions; learned once, with one thread."""
    before = numba.get_num_threads()
    passes = {"exclusive": share, "substitution": share, "reordering": share}
    config = LearnConfig(n_bank=1024, n_check=1 << 18, jobs=1, control_gain=0.02, **passes)
    learner = BsdLearner(config).fit(FunctionOracle(unit, UNIT))
    numba.set_num_threads(before)
    info = {"oracle": "small_learned:unit", "speculation": learner.ledger_summary_, "learn": {}}
    return Model(learner.bsd_, UNIT, info, dict(learner.ledger_))
