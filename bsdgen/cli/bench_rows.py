"""``bsdgen bench rows``: what is learned from recorded rows alone."""

from dataclasses import replace
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


def _parts(text: str) -> list[str]:
    """Settings that are turned off one by one."""
    every = ["virtual", "analogy", "lookahead", "preference"]
    parts = every if text == "all" else text.split(",") if text else []
    unknown = [part for part in parts if part not in every]
    if unknown:
        raise UsageError(f"--without: {', '.join(unknown)} are not among {', '.join(every)}")
    return parts


def _curves(texts: list[str]) -> "list[tuple[str, tuple[U64, U64, U64]]]":
    """Named rows."""
    found = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--curve must be NAME=TRACES, not {text!r}; e.g. --curve programs=traces")
        found.append((name, _recorded([Path(path)])))
    return found


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
    without: Annotated[
        str,
        typer.Option(
            "--without",
            metavar="NAME,...",
            help="Ablations, each on all of the above: virtual, analogy, lookahead, preference; or all.",
        ),
    ] = "",
    questions: Annotated[
        int,
        typer.Option(
            "--questions", metavar="N", min=0, help="Also with so many questions where rows leave doubt."
        ),
    ] = 0,
    curves: Annotated[
        list[str] | None,
        typer.Option(
            "--curve",
            metavar="NAME=TRACES",
            help="Rows of the step function of which --points are drawn; may be given several times.",
        ),
    ] = None,
    points: Annotated[
        str, typer.Option("--points", metavar="N,...", help="Numbers of rows of each --curve.")
    ] = "1000,10000,100000,1000000",
    fresh: Annotated[
        int, typer.Option("--fresh", metavar="N", min=1, help="Random rows that judge the step function.")
    ] = 1_000_000,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", min=0, help="Of each; 0: none.")
    ] = 600.0,
    add: Annotated[
        bool,
        typer.Option("--add", help="Keep other results that the folder has; the same ones are replaced."),
    ] = False,
    folder: Results = None,
) -> None:
    """Learn from recorded rows alone: the step function from random and recorded rows, and small machines.

    Says how many output bits are right on rows never seen, and whether wrong ones are among the claims that
    are listed as going beyond the rows. Results are written after each run.
    """
    from bsdgen.bench.results import load, save
    from bsdgen.bench.row_machines import MACHINES
    from bsdgen.bench.rows import RowsResult, RowsTrial, Source, run_rows
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
    plain = [source for source in sources if source.disguise is None]
    sources += [replace(source, without=name) for name in _parts(without) for source in plain]
    sources += [replace(source, questions=questions) for source in plain if questions]
    sources += [
        Source(0, rows_of, seed, None, most, name, True)
        for name, rows_of in _curves(curves or [])
        for most in _numbers("--points", points, "1000,10000")
        if most <= rows_of[0].shape[0] or most == min(_numbers("--points", points))
    ]
    if not wanted and not sources:
        raise UsageError("nothing to learn: give --machines, --sizes above 0, or TRACES")
    config = LearnConfig(seed=seed, time_limit_s=time_limit)
    options = {
        "traces": [str(path) for path in traces or ()],
        "sizes": sizes,
        "machines": machines,
        "rows": n_rows,
        "seed": seed,
        "seeds": seeds,
        "disguises": disguises or None,
        "without": without or None,
        "questions": questions or None,
        "curve": list(curves or ()) or None,
        "points": points if curves else None,
        "fresh": fresh,
        "time_limit": time_limit,
    }
    before = RowsResult(seed, (), ())
    if add and folder is not None:
        kept = load(folder, "rows", RowsResult)
        before = before if kept is None else kept.result
    with out.progress("learning") as progress:

        def told(done: int, trial: RowsTrial, so_far: RowsResult) -> None:
            progress(done, len(wanted) + len(sources))
            out.note(f"{trial.what}, {trial.rows:,} rows: {trial.wrong:,} of {trial.fresh:,} wrong")
            if folder is not None:
                save(folder, "rows", options, before.with_others(so_far))

        small = [names[name] for name in wanted]
        result = run_rows(sources, small, n_rows, config=config, fresh=fresh, on_trial=told)
    out.result({"result": result}, rows_table(result).text())
