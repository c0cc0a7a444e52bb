"""``bsdgen bench``: figures of the learner beside others', each a command."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import Jobs, Seed, command
from bsdgen.errors import CheckFailed

if TYPE_CHECKING:
    from bsdgen.bench.demo import DemoRow
    from bsdgen.bench.trial import Trial
    from bsdgen.bits import U64

Results = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FOLDER", help="Also save the result there, for `bsdgen bench page`."
    ),
]
TracesToRead = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[TRACES]...", help="Recorded rows of the step function (default: traces/)."),
]
TimeLimit = Annotated[
    float,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        min=0.1,
        help="Wall time for learning each function; then the next.",
    ),
]


def demo(
    out: Output,
    *,
    only: Annotated[
        str | None, typer.Option("--only", metavar="N,...", help="Some functions only, by number.")
    ] = None,
    width: Annotated[int, typer.Option("--width", metavar="BITS", help="Bits of a word: 4 to 64.")] = 32,
    seed: Seed = 0,
    jobs: Jobs = None,
    time_limit: TimeLimit = 60.0,
    folder: Results = None,
) -> None:
    """Learn and prove functions 0 to 18 of the official demo suite, beside the official code's figures.

    The time is CPU time of learning alone, on all threads, with kernels compiled before; no recorded rows
    are given. Ends with exit code 1 when a function is not learned or not proved.
    """
    from bsdgen.bench.demo import chosen, run_demo
    from bsdgen.bench.results import save
    from bsdgen.bench.tables import bars_table, demo_table
    from bsdgen.bench.words import WIDTHS
    from bsdgen.errors import UsageError
    from bsdgen.learn import LearnConfig

    if width not in WIDTHS:
        raise UsageError(f"--width {width}: must be one of {', '.join(map(str, WIDTHS))}")
    functions = chosen(only)
    config = LearnConfig(seed=seed, jobs=jobs or 0, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, row: "DemoRow") -> None:
            progress(done, len(functions))
            _tell(out, row.trial)

        result = run_demo(functions, width=width, config=config, on_row=told)
    if folder is not None:
        save(folder, "demo", {"only": only, "width": width, "seed": seed, "time_limit_s": time_limit}, result)
    text = "\n\n".join(
        [
            demo_table(result).text(),
            f"{result.cpu_s:.2f} CPU s in all; before that, compiling and loading: {result.warm_up_s:.1f} s",
            bars_table(result.bars).text(),
        ]
    )
    out.result({"result": result, "bars": result.bars, "cpu_s": result.cpu_s}, text)
    _all_proved([row.trial for row in result.rows])


def blind(
    out: Output,
    traces: TracesToRead = None,
    *,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the disguise.")] = 0,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", min=1, help="So many disguises, from --seed on.")
    ] = 1,
    keep_order: Annotated[bool, typer.Option("--keep-order", help="Do not permute, only invert.")] = False,
    keep_polarity: Annotated[
        bool, typer.Option("--keep-polarity", help="Do not invert, only permute.")
    ] = False,
    plain_seeds: Annotated[
        int, typer.Option("--plain-seeds", metavar="N", min=0, help="So many plain runs, for the spread.")
    ] = 1,
    function: Annotated[
        int | None,
        typer.Option(
            "--demo", metavar="N", help="A function of the demo suite instead of the step function."
        ),
    ] = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = 600.0,
    folder: Results = None,
) -> None:
    """Learn plainly, and with all bits permuted across fields and half of them inverted; compare.

    Input and output bits are permuted, a random half of each inverted, recorded rows likewise; what was
    learned is turned back and proved to be the same function. Ends with exit code 1 when a run is not learned
    or not proved.
    """
    from bsdgen.bench.blind import BlindRow, run_blind
    from bsdgen.bench.demo import chosen, demo_problem
    from bsdgen.bench.disguise import Recipe
    from bsdgen.bench.results import save
    from bsdgen.bench.steps import step_problem
    from bsdgen.bench.tables import bars_table, blind_table
    from bsdgen.learn import LearnConfig

    if function is None:
        problem = step_problem(_rvfi_rows(traces))
    else:
        problem = demo_problem(chosen(str(function))[0].number, 32)
    config = LearnConfig(jobs=jobs or 0, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, row: BlindRow) -> None:
            progress(done, seeds + plain_seeds)
            _tell(out, row.trial)

        result = run_blind(
            problem,
            config=config,
            recipes=[Recipe(n, not keep_order, not keep_polarity) for n in range(seed, seed + seeds)],
            plain_seeds=range(plain_seeds),
            on_row=told,
        )
    if folder is not None:
        options = {
            "seed": seed,
            "seeds": seeds,
            "plain_seeds": plain_seeds,
            "keep_order": keep_order,
            "keep_polarity": keep_polarity,
            "demo": function,
        }
        save(folder, "blind", options, result)
    text = f"{blind_table(result).text()}\n\n{bars_table(result.bars).text()}"
    out.result({"result": result, "bars": result.bars}, text)
    _all_proved([row.trial for row in result.rows])


def subsets(
    out: Output,
    traces: TracesToRead = None,
    *,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="PART,...", help="Some parts only: rv32i, rv32e, branch ..."),
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    time_limit: TimeLimit = 600.0,
    folder: Results = None,
) -> None:
    """Learn RV32I, RV32E and each opcode class by itself; prove each on all bits that mean something.

    For a class, recorded rows of other opcodes are left out, and nothing is cared for there. Ends with exit
    code 1 when a part is not learned or not proved.
    """
    from bsdgen.bench.results import save
    from bsdgen.bench.subsets import SubsetRow, chosen_parts, run_subsets
    from bsdgen.bench.tables import subset_table
    from bsdgen.learn import LearnConfig

    parts = chosen_parts(only)
    rows = _rvfi_rows(traces)
    config = LearnConfig(seed=seed, jobs=jobs or 0, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, row: SubsetRow) -> None:
            progress(done, len(parts))
            _tell(out, row.trial)

        result = run_subsets(rows, parts, config=config, on_row=told)
    if folder is not None:
        save(folder, "subsets", {"only": only, "seed": seed, "time_limit_s": time_limit}, result)
    out.result({"result": result}, subset_table(result).text())
    _all_proved([row.trial for row in result.rows])


def _rvfi_rows(paths: list[Path] | None) -> "U64":
    """Inputs of recorded step functions."""
    from bsdgen.bench.steps import check_rvfi
    from bsdgen.traces.store import read_traces

    traces = read_traces(paths or [Path("traces")])
    check_rvfi(traces.schema)
    return traces.inputs


def _tell(out: Output, trial: "Trial") -> None:
    """Say at once what went wrong."""
    if not trial.learned:
        out.note(f"{trial.name}: not learned: {trial.reason}")
    elif trial.proved is False:
        out.note(f"{trial.name}: not proved: {trial.disproof}")


def _all_proved(trials: "list[Trial]") -> None:
    bad = [trial.name for trial in trials if not trial.learned or trial.proved is False]
    if bad:
        raise CheckFailed(f"not learned or not proved: {'; '.join(bad)}")


BENCHMARKS: dict[str, tuple[Callable[..., None], str]] = {
    "demo": (demo, "bsdgen bench demo --only 7,15"),
    "blind": (blind, "bsdgen bench blind traces/ --seed 1 --plain-seeds 3"),
    "subsets": (subsets, "bsdgen bench subsets traces/ --only rv32e,branch"),
}
"""Each benchmark's function and the example that its help shows."""

app = typer.Typer(
    help="Learn known functions, prove the results, and report what it cost beside what others need.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _name, (_body, _example) in BENCHMARKS.items():
    app.command(_name, epilog=f"Example: {_example}")(command(_body))
