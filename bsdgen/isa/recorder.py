"""Recording: run a program on the reference model and write its rows as a trace file.

This is the one module of `bsdgen.isa` that knows trace files; `bsdgen.traces.store` knows nothing of
`bsdgen.isa`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.isa.program import load_program
from bsdgen.isa.runner import MAX_STEPS, run_program
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import write_traces


@dataclass(frozen=True)
class RecordSummary:
    """What a recording gave.

    Attributes
    ----------
    name : the program's file name without its ending.
    path : trace file.
    retired : instructions that ran.
    rows : rows written.
    passed : whether the program stored 1 to `tohost`.
    """

    name: str
    path: Path
    retired: int
    rows: int
    passed: bool


def record(
    elf: Path,
    out_folder: Path,
    *,
    max_steps: int = MAX_STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> RecordSummary:
    """Run a program and write ``<out_folder>/<stem>.parquet``.

    Parameters
    ----------
    elf : program, see `bsdgen.isa.program.load_program`.
    out_folder : made if it is not there.
    max_steps : instructions after which the program counts as one that never stops.
    progress : called with (retired, max_steps) now and then.

    Raises
    ------
    InputError
        The program cannot be loaded or never stops; nothing is written then.
    """
    elf = Path(elf)
    run = run_program(load_program(elf), max_steps=max_steps, progress=progress)
    path = Path(out_folder) / f"{elf.stem}.parquet"
    provenance = {
        "oracle": "simulator:rv32i",
        "program": elf.name,
        "program_sha256": sha256(elf),
        "config": {"max_steps": max_steps},
        "retired": run.retired,
        "tohost": run.tohost,
        "tools": tool_versions("numpy", "numba", "pyarrow", "pyelftools"),
    }
    write_traces(path, run.rows, RVFI_SCHEMA, provenance)
    return RecordSummary(elf.stem, path, run.retired, run.retired, run.passed)
