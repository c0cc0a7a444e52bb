"""Learning sets the number of threads of the compiled kernels: each test gives it back."""

from collections.abc import Iterator

import numba
import pytest


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)
