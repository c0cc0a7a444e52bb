"""Between learner and oracle: every answer is an occasion to look at budget, checkpoint and progress."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.oracle.protocol import Oracle, Selective


class WatchedOracle:
    """Passes questions on and calls `after` when they are answered.

    An oracle can be slow, and a single step of learning can ask a lot: nothing else is called often enough.
    """

    def __init__(self, inner: Oracle, after: Callable[[int], None]) -> None:
        self.inner = inner
        self.after = after

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return self.inner.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return self.inner.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Ask the inner oracle."""
        answer = self.inner.query(inputs)
        self.after(inputs.shape[0])
        return answer


class WatchedSelective(WatchedOracle):
    """The same for an oracle that says single outputs."""

    def __init__(self, inner: Selective, after: Callable[[int], None]) -> None:
        super().__init__(inner, after)
        self._selective = inner

    def query_outputs(self, inputs: U64, k: int, outputs: NDArray[np.int64]) -> U64:
        """Ask the inner oracle."""
        answer = self._selective.query_outputs(inputs, k, outputs)
        self.after(inputs.shape[0])
        return answer


def watched(oracle: Oracle, after: Callable[[int], None]) -> Oracle:
    """The oracle, watched."""
    return WatchedSelective(oracle, after) if isinstance(oracle, Selective) else WatchedOracle(oracle, after)
