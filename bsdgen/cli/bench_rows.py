"""``bsdgen bench rows``: what is learned from recorded rows alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.bench_runs import Results
from bsdgen.cli.console import Output
from bsdgen.cli.options import Seed
from bsdgen.errors import InputError, UsageError

if TYPE_CHECKING:
    from bsdgen.bits import U64

_LEAST_ROWS = 64


def _numbers(option: str, text: str, example: str = "0,1,2") -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")] if text else []
    except ValueError:
        raise UsageError(f"{option} must be whole numbers, not {text!r}; e.g. {option} {example}") from None
    if any(number < 0 for number in numbers):
        raise UsageError(f"{option} must not be negative, but is {text}")
    return numbers


def _recorded(paths: list[Path]) -> "tuple[U64, U64, U64]":
    """Distinct recorded rows of the step function.

    Raises
    ------
    InputError
        They have other fields, or contradict each other.
    """
    from bsdgen.traces.schema import RVFI_SCHEMA
    from bsdgen.traces.store import read_traces

    rows = read_traces(paths, None)
    if rows.schema != RVFI_SCHEMA:
        raise InputError("the benchmark is of the step function, but TRACES have other fields than RVFI's")
    if rows.n_contradictions:
        raise InputError(f"{rows.n_contradictions:,} recorded rows contradict others with the same inputs")
    return rows.inputs, rows.outputs, rows.care


def rows(
    out: Output,
    traces: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[TRACES]...", help="Recorded rows of the step function, beside random ones."),
    ] = None,
    *,
    sizes: Annotated[
        str,
        typer.Option(
            "--sizes", metavar="N,...", help="Random rows of the step function; 0: none, only TRACES."
        ),
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
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds",
            metavar="N,...",
            help="Of random rows and learner, one after the other; default: --seed.",
        ),
    ] = None,
    disguises: Annotated[
        str,
        typer.Option(
            "--disguises",
            metavar="N,...",
            help="Seeds of disguises beside bits as they are: permuted, half of them inverted.",
        ),
    ] = "",
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", min=0, help="Of each; 0: none.")
    ] = 600.0,
    folder: Results = None,
) -> None:
    """Learn from recorded rows alone: the step function from random and recorded rows, and small machines.

    Says how many output bits are right on rows never seen, and whether wrong ones are among the claims that
    are listed as going beyond the rows.
    """
    from bsdgen.bench.results import save
    from bsdgen.bench.row_machines import MACHINES
    from bsdgen.bench.rows import RowsTrial, Source, run_rows
    from bsdgen.bench.tables import rows_table
    from bsdgen.learn import LearnConfig

    names = {machine.name: machine for machine in MACHINES}
    wanted = {"all": list(names), "none": []}.get(machines, machines.split(","))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise UsageError(f"--machines: {', '.join(unknown)} are not among {', '.join(names)}")
    numbers = _numbers("--sizes", sizes, "1000,10000")
    if any(0 < number < _LEAST_ROWS for number in numbers):
        raise UsageError(f"--sizes must be {_LEAST_ROWS} or more, not {sizes}")
    recorded = _recorded(traces) if traces else None
    hidden: list[int | None] = [None, *_numbers("--disguises", disguises)]
    sources = [
        Source(number, recorded, of, disguise)
        for number in numbers
        if number or recorded is not None
        for of in (_numbers("--seeds", seeds) if seeds else [seed])
        for disguise in hidden
    ]
    if not wanted and not sources:
        raise UsageError("nothing to learn: give --machines, --sizes above 0, or TRACES")
    config = LearnConfig(seed=seed, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, trial: RowsTrial) -> None:
            progress(done, len(wanted) + len(sources))
            out.note(f"{trial.what}, {trial.rows:,} rows: {trial.wrong:,} of {trial.fresh:,} wrong")

        result = run_rows(sources, [names[name] for name in wanted], n_rows, config=config, on_trial=told)
    if folder is not None:
        options = {
            "traces": [str(path) for path in traces or ()],
            "sizes": sizes,
            "machines": machines,
            "rows": n_rows,
            "seed": seed,
            "seeds": seeds,
            "disguises": disguises or None,
            "time_limit": time_limit,
        }
        save(folder, "rows", options, result)
    out.result({"result": result}, rows_table(result).text())
