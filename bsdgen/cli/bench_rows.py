"""``bsdgen bench rows``: what is learned from recorded rows alone."""

from typing import Annotated

import typer

from bsdgen.cli.bench_runs import Results
from bsdgen.cli.console import Output
from bsdgen.cli.options import Seed
from bsdgen.errors import UsageError


def rows(
    out: Output,
    *,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="N,...", help="Random rows of the step function; 0: none.")
    ] = "1000,10000,100000,1000000",
    machines: Annotated[
        str,
        typer.Option(
            "--machines", metavar="NAME,...", help="Small machines, checked on all inputs; or all, none."
        ),
    ] = "all",
    n_rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=64, help="Random rows of each small machine.")
    ] = 30_000,
    seed: Seed = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", min=0, help="Of each; 0: none.")
    ] = 600.0,
    folder: Results = None,
) -> None:
    """Learn from recorded rows alone: the step function at growing numbers of rows, and small machines.

    Says how many output bits are right on rows never seen, and whether wrong ones are among the claims that
    are listed as going beyond the rows.
    """
    from bsdgen.bench.results import save
    from bsdgen.bench.row_machines import MACHINES
    from bsdgen.bench.rows import RowsTrial, run_rows
    from bsdgen.bench.tables import rows_table
    from bsdgen.learn import LearnConfig

    names = {machine.name: machine for machine in MACHINES}
    wanted = {"all": list(names), "none": []}.get(machines, machines.split(","))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise UsageError(f"--machines: {', '.join(unknown)} are not among {', '.join(names)}")
    try:
        numbers = [int(text) for text in sizes.split(",") if int(text)]
    except ValueError:
        raise UsageError(f"--sizes must be whole numbers, not {sizes!r}; e.g. --sizes 1000,10000") from None
    if any(number < 64 for number in numbers):
        raise UsageError(f"--sizes must be 64 or more, not {sizes}")
    config = LearnConfig(seed=seed, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, trial: RowsTrial) -> None:
            progress(done, len(wanted) + len(numbers))
            out.note(f"{trial.what}, {trial.rows:,} rows: {trial.wrong:,} of {trial.fresh:,} wrong")

        result = run_rows(numbers, [names[name] for name in wanted], n_rows, config=config, on_trial=told)
    if folder is not None:
        options = {
            "sizes": sizes,
            "machines": machines,
            "rows": n_rows,
            "seed": seed,
            "time_limit": time_limit,
        }
        save(folder, "rows", options, result)
    out.result({"result": result}, rows_table(result).text())
