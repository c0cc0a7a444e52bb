"""``bsdgen bench iwls``: circuits from examples alone, scored on rows that nothing else looks at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.bench_runs import Results
from bsdgen.cli.console import Output
from bsdgen.cli.options import Seed

if TYPE_CHECKING:
    from bsdgen.bench.iwls.run import IwlsRow

ExampleFolder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="With exNN.train.pla, exNN.valid.pla, exNN.test.pla, anywhere below it."
    ),
]


def iwls(
    out: Output,
    examples: ExampleFolder,
    *,
    only: Annotated[
        str | None, typer.Option("--only", metavar="N,...", help="Some examples only, by number.")
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            min=0.1,
            help="CPU time after which no new forest is begun, by example.",
        ),
    ] = 25.0,
    seed: Seed = 0,
    leave_out: Annotated[
        str | None,
        typer.Option(
            "--leave-out",
            metavar="IDEA,...",
            help="Do without: parities, lists, fringes, thresholds, again, votes, refit.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with the same --out was stopped.")
    ] = False,
    folder: Results = None,
) -> None:
    """Learn the functions of the IWLS 2020 contest from examples, each as a circuit of at most 5,000 ANDs.

    The examples are fetched by whoever runs this: iwls2020-lsml-contest/iwls2020-lsml-contest on GitHub.
    Each is learned twice, without and with a library of word functions, from training and validation rows;
    test rows are used for the score alone.
    """
    from bsdgen.bench.iwls.run import chosen_ideas, run_iwls
    from bsdgen.bench.results import save
    from bsdgen.bench.tables import bars_table, iwls_table
    from bsdgen.errors import UsageError

    if resume and folder is None:
        raise UsageError("--resume: needs the --out of the run that was stopped")
    without = chosen_ideas(leave_out)
    partial = None if folder is None else folder / "iwls.partial.json"
    with out.progress("learning") as progress:

        def told(done: int, n: int, row: "IwlsRow") -> None:
            progress.stage(
                "learning", f"example {row.name}: {row.plain.method}, known rows {row.plain.known:.4f}"
            )
            progress(done, n)

        result = run_iwls(
            examples,
            only=only,
            time_limit_s=time_limit,
            seed=seed,
            without=without,
            partial=partial,
            resume=resume,
            on_row=told,
        )
    if folder is not None and partial is not None:
        save(
            folder,
            "iwls",
            {"only": only, "seed": seed, "time_limit": time_limit, "leave_out": leave_out},
            result,
        )
        partial.unlink(missing_ok=True)
    text = f"{iwls_table(result).text()}\n\n{bars_table(result.bars).text()}"
    out.result({"result": result, "bars": result.bars, "cpu_s": result.cpu_s}, text)
