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
from bsdgen.isa.program import Program, load_program
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
    return write_run(run, Path(out_folder), program_facts(elf) | _reference_facts(max_steps))


def program_facts(elf: Path) -> dict[str, Any]:
    """What provenance says of a program's file."""
    return {"program": elf.name, "program_sha256": sha256(elf)}


def random_name(seed: int) -> str:
    """What a random program, and its trace, is called."""
    return f"random-program-{seed}"


def random_program(seed: int, size: int, *, own: bool = True) -> tuple[Program, dict[str, Any]]:
    """The random program of a seed, and what provenance says of it; see `generate_images`."""
    program = as_program(generate_images(seed, size, own=own), random_name(seed))
    return program, {"random_program": {"seed": seed, "size": size, "own": own}}


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
    program, facts = random_program(seed, size)
    run = run_program(program, max_steps=max_steps)
    return write_run(run, Path(out_folder), facts | _reference_facts(max_steps))


def _reference_facts(max_steps: int) -> dict[str, Any]:
    return {
        "oracle": "simulator:rv32i",
        "config": {"max_steps": max_steps},
        "tools": tool_versions("numpy", "numba", "pyarrow", "pyelftools"),
    }


def write_run(run: Run, folder: Path, facts: dict[str, Any]) -> RecordSummary:
    """Write a run's rows as ``<folder>/<stem of the program>.parquet``; `facts` go to its provenance."""
    path = folder / f"{run.program.path.stem}.parquet"
    write_traces(path, run.rows, RVFI_SCHEMA, facts | {"retired": run.retired, "tohost": run.tohost})
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
