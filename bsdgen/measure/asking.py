"""The measurement of any model against any oracle, a block of vectors at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words, pack_fields, unpack_fields
from bsdgen.errors import OracleError
from bsdgen.measure.counts import Counts
from bsdgen.measure.strata import BLOCK, Strata
from bsdgen.model import Model
from bsdgen.oracle.protocol import Oracle


class AskingTask:
    """Measures ranges of one seed's stream by asking an oracle.

    Parameters
    ----------
    model, oracle : what is compared; the same numbers of bits.
    source : where vectors come from.
    seed : of the stream.
    """

    def __init__(self, model: Model, oracle: Oracle, source: Strata, seed: int) -> None:
        self._model = model
        self._oracle = oracle
        self._source = source
        self._seed = seed

    def run(self, first: int, last: int) -> Counts:
        """Measure vectors ``first .. last - 1`` of the stream.

        Raises
        ------
        OracleError
            The oracle returns arrays of another shape or type.
        """
        n_rows, *_ = self._source.axes.shape
        empty = np.zeros(self._source.axes.n_cells, np.int64)
        total = Counts(
            empty,
            empty,
            np.zeros(len(self._model.schema.outputs), np.int64),
            np.full(n_rows, -1, np.int64),
        )
        for block in range(first // BLOCK, (last + BLOCK - 1) // BLOCK):
            begin = block * BLOCK
            total += self._block(block, max(first - begin, 0), min(last - begin, BLOCK))
        return total

    def _block(self, block: int, begin: int, end: int) -> Counts:
        inputs, cells = self._draw(block, begin, end)
        expected, care = self._ask(inputs)
        differs = (self._model.bsd.evaluate(inputs) ^ expected) & care
        n_rows, *rest = self._source.axes.shape
        n_cells = self._source.axes.n_cells
        (wrong,) = np.nonzero(differs.any(axis=1))
        fields = unpack_fields(differs[wrong], [field.width for field in self._model.schema.outputs])
        failed = np.full(n_rows, -1, np.int64)
        rows, first = np.unique(cells[wrong] // int(np.prod(rest)), return_index=True)
        failed[rows] = block * BLOCK + begin + wrong[first]
        return Counts(
            np.bincount(cells, minlength=n_cells).astype(np.int64),
            np.bincount(cells[wrong], minlength=n_cells).astype(np.int64),
            np.count_nonzero(fields, axis=1).astype(np.int64),
            failed,
        )

    def _draw(self, block: int, begin: int, end: int) -> tuple[U64, NDArray[np.intp]]:
        columns, cells = self._source.draw(self._seed, block)
        widths = [field.width for field in self._model.schema.inputs]
        return pack_fields(columns[:, begin:end], widths), cells[begin:end]

    def _ask(self, inputs: U64) -> tuple[U64, U64]:
        expected, care = self._oracle.query(inputs)
        shape = (inputs.shape[0], n_words(self._oracle.n_outputs))
        for name, array in (("outputs", expected), ("care", care)):
            if array.dtype != np.uint64 or array.shape != shape:
                raise OracleError(
                    f"the oracle's {name} must be uint64 of shape {shape}, not {array.dtype} {array.shape}"
                )
        return expected, care

    def decode(self, position: int) -> dict[str, Any] | None:
        """One vector with its fields named, and the outputs that differ in a cared bit; None if none does."""
        begin = position % BLOCK
        inputs, _ = self._draw(position // BLOCK, begin, begin + 1)
        expected, care = self._ask(inputs)
        found = self._model.bsd.evaluate(inputs)
        differs = (found ^ expected) & care
        if not differs.any():
            return None
        schema = self._model.schema
        out_widths = [field.width for field in schema.outputs]
        words = unpack_fields(inputs, [field.width for field in schema.inputs])[:, 0]
        given: Mapping[str, int] = {
            field.name: int(value) for field, value in zip(schema.inputs, words, strict=True)
        }
        columns = [unpack_fields(part, out_widths)[:, 0] for part in (found, expected, differs)]
        return {
            "seed": self._seed,
            "position": position,
            "text": self._source.describe(given),
            "inputs": {name: hex(value) for name, value in given.items()},
            "outputs": {
                field.name: {"model": hex(is_), "oracle": hex(should), "differs": hex(bits)}
                for field, is_, should, bits in zip(schema.outputs, *columns, strict=True)
                if bits
            },
        }
