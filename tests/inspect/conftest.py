"""A small model with all there is to see: contexts, a function guard, shared carries, multiplexers."""

import dataclasses
from collections.abc import Iterator

import numba
import numpy as np
import pytest

from bsdgen.inspect import Inspection
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.model import Model
from bsdgen.oracle.function import FunctionOracle
from bsdgen.traces.schema import Field, Schema

SCHEMA = Schema(
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


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    before = numba.get_num_threads()
    config = LearnConfig(n_bank=1024, n_check=1 << 18, jobs=1, control_gain=0.02)
    learner = BsdLearner(config).fit(FunctionOracle(unit, SCHEMA))
    numba.set_num_threads(before)
    info = {"oracle": "conftest:unit", "speculation": learner.ledger_summary_, "learn": {}}
    yield Model(learner.bsd_, SCHEMA, info, dict(learner.ledger_))


@pytest.fixture(scope="session")
def of(model: Model) -> Inspection:
    return Inspection(model)


@pytest.fixture
def old(model: Model) -> Inspection:
    """The same as an earlier bsdgen would have saved it."""
    return Inspection(dataclasses.replace(model, extra={"output": np.zeros(3, np.int32)}))
