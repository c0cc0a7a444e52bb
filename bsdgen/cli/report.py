"""``bsdgen report``: one page and one JSON file on a model."""

from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder


def report(
    out: Output,
    model: ModelFolder,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures", metavar="FOLDER", help="Also write each picture as an SVG file into this folder."
        ),
    ] = None,
) -> None:
    """Write report.html and report.json into the model's folder, from all that is known about the model."""
    from bsdgen.artifacts import locked
    from bsdgen.report import summary_text, write_report

    out.held.enter_context(locked(model, shared=True))
    with out.progress("writing the report") as progress:
        facts = write_report(model, figures=figures)
        progress(1, 1)
    out.result(facts, summary_text(facts, model / "report.html"))
