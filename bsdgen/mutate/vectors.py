"""Where assignments come from: uniform ones, directed ones, rows of programs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bsdgen.bits import U64, from_bool, pack_fields, to_bool
from bsdgen.errors import InputError
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import run_program
from bsdgen.measure.strata import BLOCK, strata_for
from bsdgen.traces.schema import RVFI_SCHEMA, Schema
from bsdgen.traces.store import is_traces, read_traces

_TAG = 0x72616E64


def columns_of(rows: U64, n_inputs: int) -> U64:
    """Packed rows as columns, 64 rows a word: uint64, shape (n_inputs, n_words); the last word is filled up
    with the last row."""
    n_missing = -rows.shape[0] % 64
    filled = np.concatenate([rows, np.repeat(rows[-1:], n_missing, axis=0)])
    return from_bool(np.ascontiguousarray(to_bool(filled, n_inputs).T))


def uniform(schema: Schema, seed: int, n: int) -> Iterator[U64]:
    """`n` assignments (rounded up to 64) of uniform bits, as columns, `BLOCK` at a time."""
    for block in range((n + BLOCK - 1) // BLOCK):
        rng = np.random.default_rng([_TAG, seed, block])
        words = (min(BLOCK, n - block * BLOCK) + 63) // 64
        yield rng.integers(0, 2**64, (schema.n_inputs, words), np.uint64, endpoint=False)


def directed(schema: Schema, seed: int, n: int) -> Iterator[U64]:
    """`n` vectors of `bsdgen measure` with this seed, as columns, `BLOCK` at a time."""
    source = strata_for(schema)
    widths = [field.width for field in schema.inputs]
    for block in range((n + BLOCK - 1) // BLOCK):
        columns, _ = source.draw(seed, block)
        rows = pack_fields(columns[:, : min(BLOCK, n - block * BLOCK)], widths)
        yield columns_of(rows, schema.n_inputs)


def recorded(
    schema: Schema, files: Sequence[Path], max_steps: int, progress: Callable[[int, int], None]
) -> U64:
    """Different input rows of traces (by their suffix) and programs (any other file), packed.

    A program runs on the reference model; what a lock-step run would compare is a function of these rows.

    Raises
    ------
    InputError
        A file is neither, is of another schema, or a program does not end.
    """
    parts: list[U64] = []
    for done, file in enumerate(files):
        progress(done, len(files))
        if is_traces(file):
            traces = read_traces([file])
            if traces.schema.inputs != schema.inputs:
                raise InputError(f"{file}: has other inputs than the model; give traces of the same function")
            rows = traces.inputs
        elif schema.inputs != RVFI_SCHEMA.inputs:
            raise InputError(
                f"{file}: the model is no RV32I step function; give traces (*.parquet, *.pla, *.csv)"
            )
        else:
            run = run_program(load_program(file), max_steps=max_steps).rows
            table = np.array([run[field.name] for field in schema.inputs], np.uint64)
            rows = pack_fields(table, [field.width for field in schema.inputs])
        parts.append(np.unique(rows, axis=0))
    return np.unique(np.concatenate(parts), axis=0) if parts else np.zeros((0, 1), np.uint64)


def blocks_of(rows: U64, n_inputs: int) -> Iterator[U64]:
    """Packed rows as columns, `BLOCK` at a time."""
    for begin in range(0, rows.shape[0], BLOCK):
        yield columns_of(rows[begin : begin + BLOCK], n_inputs)
