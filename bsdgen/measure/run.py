"""The comparison: blocks of vectors, counts on cared bits, the first failure of each class."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words, pack_fields, unpack_fields
from bsdgen.errors import OracleError, UsageError
from bsdgen.measure.result import ClassResult, Measurement, upper_bound
from bsdgen.measure.strata import Strata, strata_for
from bsdgen.model import Model
from bsdgen.oracle.protocol import Oracle
from bsdgen.traces.schema import Schema

BLOCK = 1 << 18  # vectors at a time: 6 MiB of inputs, large enough that per-block work does not show
_STREAM = 0x6D656173  # sets this stream of random numbers apart from every other use of the same seed


def measure(
    model: Model,
    oracle: Oracle,
    *,
    vectors: int = 10_000_000,
    seed: int = 0,
    strata: Strata | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Measurement:
    """Compare a model with an oracle on fresh vectors.

    A vector is an error if any output bit that the oracle cares for differs. The random stream is set apart
    from that of the learner, whatever the seeds.

    Parameters
    ----------
    model : the diagram and its schema.
    oracle : asked for what is right; must have the model's numbers of bits.
    vectors : how many vectors.
    seed : seed of the vectors.
    strata : where vectors come from; by the schema when absent.
    progress : called with (vectors done, vectors in all).

    Raises
    ------
    UsageError
        The oracle has other numbers of bits than the model, or `vectors` is less than 1.
    OracleError
        The oracle returns arrays of another shape or type.
    """
    if vectors < 1:
        raise UsageError(f"vectors must be at least 1, not {vectors}")
    schema = model.schema
    if (oracle.n_inputs, oracle.n_outputs) != (schema.n_inputs, schema.n_outputs):
        raise UsageError(
            f"the oracle has {oracle.n_inputs} input and {oracle.n_outputs} output bits, the model "
            f"{schema.n_inputs} and {schema.n_outputs}; give the oracle that the model was learned from"
        )
    begun = time.perf_counter()
    source = strata if strata is not None else strata_for(schema)
    rng = np.random.default_rng(np.random.SeedSequence([_STREAM, seed]))
    tally = _Tally(schema, source)
    done = 0
    while done < vectors:
        size = min(BLOCK, vectors - done)
        columns, classes = source.draw(rng, size)
        inputs = pack_fields(columns, [field.width for field in schema.inputs])
        expected, care = _ask(oracle, inputs)
        tally.add(inputs, classes, model.bsd.evaluate(inputs), expected, care)
        done += size
        if progress is not None:
            progress(done, vectors)
    return tally.result(seed, time.perf_counter() - begun)


def _ask(oracle: Oracle, inputs: U64) -> tuple[U64, U64]:
    expected, care = oracle.query(inputs)
    shape = (inputs.shape[0], n_words(oracle.n_outputs))
    for name, array in (("outputs", expected), ("care", care)):
        if array.dtype != np.uint64 or array.shape != shape:
            raise OracleError(
                f"the oracle's {name} must be uint64 of shape {shape}, not {array.dtype} {array.shape}"
            )
    return expected, care


class _Tally:
    """Counts over blocks."""

    def __init__(self, schema: Schema, source: Strata) -> None:
        self._schema = schema
        self._source = source
        self._n = np.zeros(len(source.names), np.int64)
        self._errors = np.zeros(len(source.names), np.int64)
        self._by_output = np.zeros(len(schema.outputs), np.int64)
        self._first: dict[int, dict[str, Any]] = {}

    def add(self, inputs: U64, classes: NDArray[np.intp], found: U64, expected: U64, care: U64) -> None:
        """Count one block."""
        self._n += np.bincount(classes, minlength=self._n.size)
        differs = (found ^ expected) & care
        (wrong,) = np.nonzero(differs.any(axis=1))
        if not wrong.size:
            return
        self._errors += np.bincount(classes[wrong], minlength=self._n.size)
        fields = unpack_fields(differs[wrong], [field.width for field in self._schema.outputs])
        self._by_output += np.count_nonzero(fields, axis=1)
        for index, row in zip(*np.unique(classes[wrong], return_index=True), strict=True):
            if int(index) not in self._first:
                at = slice(wrong[row], wrong[row] + 1)
                self._first[int(index)] = self._decode(inputs[at], found[at], expected[at], differs[at])

    def _decode(self, inputs: U64, found: U64, expected: U64, differs: U64) -> dict[str, Any]:
        """Name the fields of one failing row; only outputs that differ in a cared bit are shown."""
        in_widths = [field.width for field in self._schema.inputs]
        out_widths = [field.width for field in self._schema.outputs]
        given: Mapping[str, int] = {
            field.name: int(value)
            for field, value in zip(self._schema.inputs, unpack_fields(inputs, in_widths)[:, 0], strict=True)
        }
        columns = [unpack_fields(words, out_widths)[:, 0] for words in (found, expected, differs)]
        outputs = {
            field.name: {"model": hex(is_), "oracle": hex(should), "differs": hex(bits)}
            for field, is_, should, bits in zip(self._schema.outputs, *columns, strict=True)
            if bits
        }
        return {
            "text": self._source.describe(given),
            "inputs": {name: hex(value) for name, value in given.items()},
            "outputs": outputs,
        }

    def result(self, seed: int, wall_s: float) -> Measurement:
        """Sum up."""
        classes = tuple(
            ClassResult(name, n, errors, upper_bound(errors, n), self._first.get(index))
            for index, (name, n, errors) in enumerate(
                zip(self._source.names, self._n.tolist(), self._errors.tolist(), strict=True)
            )
        )
        n, errors = int(self._n.sum()), int(self._errors.sum())
        names = [field.name for field in self._schema.outputs]
        return Measurement(
            vectors=n,
            errors=errors,
            upper=upper_bound(errors, n),
            classes=classes,
            errors_by_output=dict(zip(names, self._by_output.tolist(), strict=True)),
            seed=seed,
            distributions=self._source.distributions,
            wall_s=wall_s,
        )
