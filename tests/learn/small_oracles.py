"""Small oracles for tests of the learner: a truth table, or a function of whole fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, n_words, pack_fields, unpack_fields
from bsdgen.learn import BsdLearner, LearnConfig

Bools = NDArray[np.bool_]


def every_row(n_inputs: int) -> U64:
    """All assignments, in order."""
    rows = np.arange(1 << n_inputs, dtype=np.uint64)
    return rows[:, None] if n_inputs else np.zeros((1, 0), np.uint64)


class TableOracle:
    """Looks up a truth table: bool (2 ** n_inputs, n_outputs), and a care table of the same shape."""

    def __init__(self, table: Bools, care: Bools | None = None) -> None:
        self.n_inputs = int(table.shape[0]).bit_length() - 1
        self.n_outputs = int(table.shape[1])
        self.table = from_bool(table)
        self.care = from_bool(np.ones_like(table) if care is None else care)

    def query(self, inputs: U64) -> tuple[U64, U64]:
        at = inputs[:, 0].astype(np.int64) if self.n_inputs else np.zeros(len(inputs), np.int64)
        return self.table[at], self.care[at]


Words = tuple[U64, ...]


class FieldOracle:
    """A function of whole words: `function` gets one array a field and returns a tuple of such arrays."""

    def __init__(
        self,
        widths_in: Sequence[int],
        widths_out: Sequence[int],
        function: Callable[..., Words],
        care: Callable[..., Words] | None = None,
    ) -> None:
        self.widths_in, self.widths_out = widths_in, widths_out
        self.function, self.care = function, care
        self.n_inputs, self.n_outputs = sum(widths_in), sum(widths_out)
        self.n_queries = 0

    def query(self, inputs: U64) -> tuple[U64, U64]:
        assert inputs.dtype == np.uint64 and inputs.shape[1] == n_words(self.n_inputs)
        self.n_queries += inputs.shape[0]
        words = unpack_fields(inputs, self.widths_in)
        outputs = pack_fields(np.stack(self.function(*words)), self.widths_out)
        if self.care is None:
            ones = np.full((len(self.widths_out), inputs.shape[0]), ~np.uint64(0))
            return outputs, pack_fields(ones, self.widths_out)
        return outputs, pack_fields(np.stack(self.care(*words)), self.widths_out)


@dataclass(frozen=True)
class Fields:
    """Fields of packed rows drawn for a test."""

    widths: Sequence[int]

    def random(self, seed: int, n: int) -> U64:
        """Rows of fair bits."""
        rng = np.random.default_rng(seed)
        return pack_fields(rng.integers(0, 1 << 64, (len(self.widths), n), np.uint64), self.widths)


def small_config(**changes: object) -> LearnConfig:
    """Settings that keep small functions fast: two blocks of fresh rows a round."""
    return LearnConfig(**{"n_bank": 1024, "n_check": 1 << 18, "jobs": 1, **changes})  # type: ignore[arg-type]


def learn(oracle: object, rows: U64 | None = None, **changes: object) -> BsdLearner:
    """Learn with `small_config`."""
    return BsdLearner(small_config(**changes)).fit(oracle, rows)  # type: ignore[arg-type]
