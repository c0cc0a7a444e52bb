"""The model that is inspected, as it is and as an earlier bsdgen would have saved it."""

import dataclasses

import numpy as np
import pytest
from small_learned import learned_unit

from bsdgen.inspect import Inspection


@pytest.fixture(scope="session")
def of() -> Inspection:
    """Without sharing: every node is an output bit inside a cube."""
    return Inspection(learned_unit(share=False))


@pytest.fixture(scope="session")
def shared_model() -> Inspection:
    return Inspection(learned_unit())


@pytest.fixture
def old() -> Inspection:
    return Inspection(dataclasses.replace(learned_unit(share=False), extra={"output": np.zeros(3, np.int32)}))
