"""``bsdgen convert``: another simulator's log as traces."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.console import Output


class LogFormat(StrEnum):
    """Logs that can be read."""

    SPIKE = "spike"


def convert(
    out: Output,
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The log file.")],
    *,
    elf: Annotated[
        Path,
        typer.Option(
            "--elf",
            metavar="FILE",
            help="The program that was run; its memory image fills what the log lacks.",
        ),
    ],
    path: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Parquet file to write (default: traces/ and the log's name)."
        ),
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option("--format", "-f", metavar="spike", help="Who wrote the log.")
    ] = LogFormat.SPIKE,
) -> None:
    """Read the commit log of another simulator (spike -l --log-commits) and write it as RVFI rows."""
    from bsdgen.artifacts import sha256, tool_versions
    from bsdgen.isa.program import load_program
    from bsdgen.traces.schema import RVFI_SCHEMA
    from bsdgen.traces.spike_log import read_spike_log
    from bsdgen.traces.store import write_traces

    target = path if path is not None else Path("traces") / f"{log.stem}.parquet"
    with out.progress(f"reading {log}") as progress:
        rows = read_spike_log(log, load_program(elf))
        progress(1, 1)
    n_rows = len(rows["insn"])
    provenance = {
        "oracle": "simulator:rv32i",  # who can answer further questions of this kind
        "format": log_format.value,
        "log": log.name,
        "log_sha256": sha256(log),
        "program": elf.name,
        "program_sha256": sha256(elf),
        "tools": tool_versions("numpy", "pyarrow"),
    }
    write_traces(target, rows, RVFI_SCHEMA, provenance)
    out.result({"trace": str(target), "rows": n_rows}, f"{target}: {n_rows:,} rows")
