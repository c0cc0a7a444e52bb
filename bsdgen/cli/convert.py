"""``bsdgen convert``: another simulator's log, or a table, as traces."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress
from bsdgen.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bsdgen.traces.schema import Schema

    Made = tuple[dict[str, NDArray[np.unsignedinteger[Any]]], Schema, dict[str, Any]]


class LogFormat(StrEnum):
    """Files that can be read."""

    SPIKE = "spike"
    PLA = "pla"
    CSV = "csv"


def convert(
    out: Output,
    log: Annotated[Path, typer.Argument(metavar="FILE", help="The log, or the table.")],
    *,
    elf: Annotated[
        Path | None,
        typer.Option(
            "--elf",
            metavar="FILE",
            help="The program that was run (logs); its memory image fills what the log lacks.",
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="TOML file with the fields of a CSV file (default: its name with .toml, or its header).",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Parquet file to write (default: traces/ and the file's name).",
        ),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            "--format",
            "-f",
            metavar="spike|pla|csv",
            help="What the file is (default: by its suffix, .pla or .csv; else a Spike log).",
        ),
    ] = None,
) -> None:
    """Write a commit log (spike -l --log-commits) or a table (espresso PLA, CSV) as traces.

    A PLA file may stand for more rows than it has lines; docs/formats.md says which ones are written.
    """
    from bsdgen.traces.store import write_traces

    kind = log_format if log_format is not None else _kind(log)
    if (elf is None) == (kind is LogFormat.SPIKE):
        what = "needs" if elf is None else "does not go with"
        raise UsageError(f"{log}: {what} --elf PROGRAM (it is read as {kind.value}; --format says otherwise)")
    if schema is not None and kind is not LogFormat.CSV:
        raise UsageError(
            f"--schema {schema}: is for CSV files, and {log} is read as {kind.value}; leave it out"
        )
    target = path if path is not None else Path("traces") / f"{log.stem}.parquet"
    if target.exists() and log.exists() and target.samefile(log):
        raise InputError(f"{log}: would be overwritten by its own rows; choose another file with --out")
    with out.progress(f"reading {log}") as progress:
        rows, fields, provenance = (
            _logged(log, elf, progress) if elf is not None else _tabled(log, kind, schema, progress)
        )
        progress.stage(f"writing {target}")
        write_traces(target, rows, fields, provenance)
    n_rows = len(next(iter(rows.values())))
    out.result({"trace": str(target), "rows": n_rows}, f"{target}: {n_rows:,} rows")


def _kind(path: Path) -> LogFormat:
    suffix = path.suffix.lower().removeprefix(".")
    return LogFormat(suffix) if suffix in ("pla", "csv") else LogFormat.SPIKE


def _logged(log: Path, elf: Path, progress: Progress) -> "Made":
    """Rows of a Spike log."""
    from bsdgen.artifacts import sha256, tool_versions
    from bsdgen.isa.program import load_program
    from bsdgen.traces.schema import RVFI_SCHEMA
    from bsdgen.traces.spike_log import read_spike_log

    rows = read_spike_log(log, load_program(elf))
    progress(1, 1)
    provenance = {
        "oracle": "simulator:rv32i",  # who can answer further questions of this kind
        "format": LogFormat.SPIKE.value,
        "log": log.name,
        "log_sha256": sha256(log),
        "program": elf.name,
        "program_sha256": sha256(elf),
        "tools": tool_versions("numpy", "pyarrow"),
    }
    return rows, RVFI_SCHEMA, provenance


def _tabled(table: Path, kind: LogFormat, schema: Path | None, progress: Progress) -> "Made":
    """Rows of a PLA or CSV file."""
    from bsdgen.artifacts import tool_versions
    from bsdgen.traces.csv_table import read_csv
    from bsdgen.traces.pla import read_pla
    from bsdgen.traces.schema import load_schema

    if kind is LogFormat.PLA:
        rows = read_pla(table, progress=progress)
    else:
        rows = read_csv(table, load_schema(schema) if schema is not None else None, progress)
    provenance = {key: value for key, value in rows.provenance.items() if key not in ("path", "rows")}
    return (
        rows.columns(),
        rows.schema,
        {**provenance, "table": table.name, "tools": tool_versions("numpy", "pyarrow")},
    )
