"""Recording: programs on the reference model, or random rows of it, as trace files.

This is the one module of `bsdgen.isa` that knows trace files; `bsdgen.traces.store` knows nothing of
`bsdgen.isa`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.isa.generate import as_program, generate_images
from bsdgen.isa.program import load_program
from bsdgen.isa.random_rows import STREAM, Mix, random_rows
from bsdgen.isa.runner import MAX_STEPS, Run, run_program
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
    provenance = {"program": elf.name, "program_sha256": sha256(elf), "config": {"max_steps": max_steps}}
    return _write(run, Path(out_folder) / f"{elf.stem}.parquet", provenance)


def random_name(seed: int) -> str:
    """What the trace of a random program is called."""
    return f"random-program-{seed}"


def record_random_program(
    seed: int, size: int, out_folder: Path, *, max_steps: int = MAX_STEPS
) -> RecordSummary:
    """Run the random program of a seed (`bsdgen.isa.generate`) and write its trace.

    Parameters
    ----------
    seed, size : as of `bsdgen.isa.generate.generate_images`; the program begins anywhere.
    out_folder, max_steps : as of `record`.

    Raises
    ------
    UsageError
        `seed` or `size` is out of its range.
    InputError
        The program does not end within `max_steps`; nothing is written then.
    """
    name = random_name(seed)
    program = as_program(generate_images(seed, size, own=True), name)
    run = run_program(program, max_steps=max_steps)
    provenance = {"random_program": {"seed": seed, "size": size}, "config": {"max_steps": max_steps}}
    return _write(run, Path(out_folder) / f"{name}.parquet", provenance)


def _write(run: Run, path: Path, provenance: dict[str, Any]) -> RecordSummary:
    facts = {
        "oracle": "simulator:rv32i",
        **provenance,
        "retired": run.retired,
        "tohost": run.tohost,
        "tools": tool_versions("numpy", "numba", "pyarrow", "pyelftools"),
    }
    write_traces(path, run.rows, RVFI_SCHEMA, facts)
    return RecordSummary(path.stem, path, run.retired, run.retired, run.passed)


def record_random_rows(
    n: int,
    seed: int,
    path: Path,
    *,
    mix: Mix | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `n` random rows (`bsdgen.isa.random_rows`) as one trace file; parameters and errors as there."""
    mix = mix or Mix()
    rows = random_rows(n, seed, mix, progress)
    provenance = {
        "oracle": "simulator:rv32i",
        "random": {"rows": n, "seed": seed, "mix": mix.shares, "stream": STREAM},
        "tools": tool_versions("numpy", "numba", "pyarrow"),
    }
    write_traces(path, rows, RVFI_SCHEMA, provenance)
