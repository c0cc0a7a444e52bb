"""What ``bsdgen bench NAME`` runs: one function a benchmark."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import Jobs, Seed
from bsdgen.errors import CheckFailed, UsageError

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
MostNodes = Annotated[
    int, typer.Option("--max-nodes", metavar="N", min=1, help="Functions or nodes that each run may use.")
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
        save(folder, "demo", {"only": only, "width": width, "seed": seed, "time_limit": time_limit}, result)
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
    from bsdgen.bench.tables import bars_table, subset_table
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
        save(folder, "subsets", {"only": only, "seed": seed, "time_limit": time_limit}, result)
    text = f"{subset_table(result).text()}\n\n{bars_table(result.bars).text()}"
    out.result({"result": result, "bars": result.bars}, text)
    _all_proved([row.trial for row in result.rows])


def scaling(
    out: Output,
    *,
    kinds: Annotated[
        str, typer.Option("--kinds", metavar="KIND,...", help="Of add, compare, shift, alu.")
    ] = "add,compare,shift,alu",
    widths: Annotated[
        str, typer.Option("--widths", metavar="BITS,...", help="Of 8, 16, 32, 64, 128.")
    ] = "8,16,32,64,128",
    seed: Seed = 0,
    jobs: Jobs = None,
    time_limit: TimeLimit = 120.0,
    folder: Results = None,
) -> None:
    """Learn and prove an adder, a comparison, a shift and a small ALU at 8 to 128 bits.

    Exponents of nodes, CPU time and queries are fitted. Ends with exit code 1 when one is not learned or not
    proved.
    """
    from bsdgen.bench.results import save
    from bsdgen.bench.scaling import ScalingRow, run_scaling
    from bsdgen.bench.tables import bars_table, exponents_table, scaling_table
    from bsdgen.bench.wide import KINDS, WIDTHS
    from bsdgen.learn import LearnConfig

    which = [KINDS[at] for at in _chosen("--kinds", kinds, KINDS)]
    bits = [WIDTHS[at] for at in _chosen("--widths", widths, [str(width) for width in WIDTHS])]
    config = LearnConfig(seed=seed, jobs=jobs or 0, time_limit_s=time_limit)
    with out.progress("learning") as progress:

        def told(done: int, row: ScalingRow) -> None:
            progress(done, len(which) * len(bits))
            _tell(out, row.trial)

        result = run_scaling(which, bits, config=config, on_row=told)
    if folder is not None:
        options = {"kinds": kinds, "widths": widths, "seed": seed, "time_limit": time_limit}
        save(folder, "scaling", options, result)
    tables = [scaling_table(result), exponents_table(result), bars_table(result.bars)]
    out.result({"result": result, "bars": result.bars}, "\n\n".join(table.text() for table in tables))
    _all_proved([row.trial for row in result.rows])


def ablations(
    out: Output,
    traces: TracesToRead = None,
    *,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="VARIANT,...", help="Some variants, e.g. whole,no-merging."),
    ] = None,
    no_step: Annotated[
        bool,
        typer.Option("--no-step", help="Functions of the demo suite alone: no recorded rows are needed."),
    ] = False,
    seed: Seed = 0,
    jobs: Jobs = None,
    time_limit: TimeLimit = 120.0,
    max_nodes: MostNodes = 100_000,
    folder: Results = None,
) -> None:
    """Learn without one of the learner's ideas, or with other numbers of samples, within the same budgets."""
    from bsdgen.bench.ablations import AblationRow, ablation_problems, chosen_variants, run_ablations
    from bsdgen.bench.results import save
    from bsdgen.bench.tables import ablation_tables

    variants = chosen_variants(only)
    problems = ablation_problems(None if no_step else _rvfi_rows(traces))
    with out.progress("learning") as progress:

        def told(done: int, row: AblationRow) -> None:
            progress.stage("learning", f"{row.function}, {row.variant}")
            progress(done, len(problems) * len(variants))

        result = run_ablations(
            problems,
            variants,
            seed=seed,
            jobs=jobs or 0,
            time_limit_s=time_limit,
            max_nodes=max_nodes,
            on_row=told,
        )
    if folder is not None:
        options = {"only": only, "no_step": no_step, "seed": seed}
        save(folder, "ablations", options | {"time_limit": time_limit, "max_nodes": max_nodes}, result)
    tables = [f"{name}\n{table.text()}" for name, table in ablation_tables(result)]
    out.result({"result": result}, "\n\n".join(tables))


def bdd(
    out: Output,
    traces: TracesToRead = None,
    *,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="N,...", help="Some functions of the demo suite, by number."),
    ] = None,
    no_step: Annotated[
        bool,
        typer.Option("--no-step", help="Functions of the demo suite alone: no recorded rows are needed."),
    ] = False,
    seed: Seed = 0,
    jobs: Jobs = None,
    time_limit: TimeLimit = 20.0,
    max_nodes: MostNodes = 50_000,
    folder: Results = None,
) -> None:
    """Learn plain OBDDs in fixed orders, with the same bank, queries, fresh rows and budgets, and compare.

    Orders: that of the packed bits, fields interleaved, random. Functions: some of the demo suite, and single
    output bits of the step function. Needs the package dd.
    """
    from bsdgen.bench.baseline import BITS, DEMO_NUMBERS, BaselineRow, bit_case, demo_case, run_baseline
    from bsdgen.bench.demo import chosen
    from bsdgen.bench.results import save
    from bsdgen.bench.tables import baseline_table

    numbers = DEMO_NUMBERS if only is None else tuple(function.number for function in chosen(only))
    cases = [demo_case(number) for number in numbers]
    if not no_step:
        rows = _rvfi_rows(traces)
        cases += [bit_case(name, rows) for name in BITS]
    with out.progress("learning") as progress:

        def told(done: int, row: BaselineRow) -> None:
            progress.stage("learning", row.function)
            progress(done, len(cases))

        result = run_baseline(
            cases, seed=seed, jobs=jobs or 0, time_limit_s=time_limit, max_nodes=max_nodes, on_row=told
        )
    if folder is not None:
        options = {"only": only, "no_step": no_step, "seed": seed}
        save(folder, "bdd", options | {"time_limit": time_limit, "max_nodes": max_nodes}, result)
    out.result({"result": result}, baseline_table(result).text())


def _chosen(option: str, text: str, there: Sequence[str]) -> list[int]:
    """Positions in `there` of the words of an option."""
    words = text.split(",")
    unknown = [word for word in words if word not in there]
    if unknown:
        raise UsageError(f"{option} {text}: there is no {unknown[0]!r}; there are {', '.join(there)}")
    return [list(there).index(word) for word in words]


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
