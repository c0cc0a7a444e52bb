"""``bsdgen bench emit``: how long each format takes to write."""

from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.bench_runs import Results
from bsdgen.cli.console import Output
from bsdgen.cli.options import Seed


def emission(
    out: Output,
    *,
    nodes: Annotated[
        int, typer.Option("--nodes", metavar="N", min=1, help="Size of the random diagram.")
    ] = 20_000,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="MODEL", help="A learned model instead of a random one.")
    ] = None,
    seed: Seed = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Also read every file back and prove it equal to the diagram.")
    ] = False,
    folder: Results = None,
) -> None:
    """Write a large diagram in every format of `bsdgen emit`, and time each."""
    from bsdgen.bench.emission import EmissionRow, model_with_units, random_model, run_emission
    from bsdgen.bench.results import save
    from bsdgen.bench.tables import emission_table
    from bsdgen.emit import FORMATS
    from bsdgen.model import Model

    chosen = random_model(nodes, seed) if model is None else Model.load(model)
    with out.progress("writing") as progress:

        def told(done: int, row: EmissionRow) -> None:
            progress(done, len(FORMATS))
            if row.reason:
                out.note(row.reason)

        called = f"Random, seed {seed}" if model is None else str(model)
        units = model_with_units(nodes, seed) if model is None else None
        result = run_emission(chosen, called, units=units, check=check, on_row=told)
    if folder is not None:
        options = {"nodes": nodes, "seed": seed} if model is None else {"model": str(model)}
        save(folder, "emit", {**options, "check": check}, result)
    out.result({"result": result}, emission_table(result).text())
