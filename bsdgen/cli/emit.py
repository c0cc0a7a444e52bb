"""``bsdgen emit``: a model as hardware sources."""

from enum import StrEnum
from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder


class Format(StrEnum):
    """What can be written."""

    VERILOG = "verilog"
    AMARANTH = "amaranth"


def emit(
    out: Output,
    model: ModelFolder,
    formats: Annotated[
        list[Format] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="verilog|amaranth",
            help="What to write; may be given more than once (default: all).",
        ),
    ] = None,
) -> None:
    """Write a learned model as Verilog and as an Amaranth core, checked equivalent to the diagram."""
    from bsdgen.emit import emit as write
    from bsdgen.model import Model

    chosen = [item.value for item in (formats or list(Format))]
    loaded = Model.load(model)
    with out.progress(f"writing {' and '.join(chosen)}") as progress:
        files = write(loaded, model, chosen)
        progress(1, 1)
    out.result({"files": [str(file) for file in files]}, "\n".join(str(file) for file in files))
