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
    raise NotImplementedError
