"""From files to what they covered: traces, results of measurements, programs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import read_json
from bsdgen.bits import unpack_fields
from bsdgen.coverage.cells import HAZARDS, OPERANDS, ROWS, SHAPE, count_cells
from bsdgen.coverage.nested import from_nested
from bsdgen.coverage.result import Covered
from bsdgen.errors import InputError
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import run_program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

Progress = Callable[[int, int], None]

_INPUTS = [field.name for field in RVFI_SCHEMA.inputs]


def of_traces(files: Sequence[Path], progress: Progress | None = None) -> Covered:
    """What recorded rows met; rows that are equal count once a file.

    Raises
    ------
    InputError
        A file is no trace, or its rows are not of the RV32I step function.
    """
    counts = np.zeros(SHAPE, np.int64)
    for done, file in enumerate(files):
        traces = read_traces([file])
        if traces.schema.inputs != RVFI_SCHEMA.inputs:
            names = ", ".join(field.name for field in traces.schema.inputs)
            raise InputError(
                f"{file}: has the inputs {names}, expected {', '.join(_INPUTS)}; coverage is known of the "
                "RV32I step function alone"
            )
        widths = [field.width for field in RVFI_SCHEMA.inputs]
        counts += count_cells(unpack_fields(traces.inputs, widths).astype(np.uint32))
        if progress is not None:
            progress(done + 1, len(files))
    return Covered("traces", tuple(map(str, files)), True, counts)


def of_programs(files: Sequence[Path], max_steps: int, progress: Progress | None = None) -> Covered:
    """What programs meet when they run on the reference model, every retired instruction a row.

    Raises
    ------
    InputError
        A file is no program, or does not end within `max_steps` instructions.
    """
    counts = np.zeros(SHAPE, np.int64)
    for done, file in enumerate(files):
        rows = run_program(load_program(file), max_steps=max_steps).rows
        counts += count_cells(np.array([rows[name] for name in _INPUTS], np.uint32))
        if progress is not None:
            progress(done + 1, len(files))
    return Covered("programs", tuple(map(str, files)), True, counts)


def of_measurement(file: Path) -> Covered:
    """What the vectors of a measurement met.

    Raises
    ------
    InputError
        The file is no result of `bsdgen measure`, or not of an RV32I step function.
    """
    facts = read_json(file)
    strata = facts.get("strata") if isinstance(facts, dict) else None
    try:
        if not strata:
            raise ValueError("no strata")
        counts: NDArray[np.int64] = from_nested(strata, (ROWS, OPERANDS, HAZARDS))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{file}: is no measurement of an RV32I model ({error}); make one with `bsdgen measure`"
        ) from error
    return Covered("vectors", (str(file),), False, counts)
