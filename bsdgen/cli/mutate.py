"""``bsdgen mutate``: faults in a model's netlist or in one of its shells, and which checks catch them."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress
from bsdgen.cli.cosim import ShellKind
from bsdgen.cli.options import Jobs, ModelFolder, Seed
from bsdgen.cli.prove import EngineChoice, IsaName, SpecFile, Subset, TopModule
from bsdgen.errors import BudgetReached, CheckFailed, InputError, UsageError

if TYPE_CHECKING:
    from bsdgen.model import Model
    from bsdgen.mutate.result import Mutation

_FAULTS = 1000
_SHELL_FAULTS = 14
_KEEP_S = 5.0  # between two writes of what is known so far


def mutate(
    out: Output,
    model: ModelFolder,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PROGRAM...]",
            help="Programs or traces (*.parquet, *.pla, *.csv) whose rows are looked at, or folders of them "
            "(default, for RV32I: sim/programs/*.elf).",
        ),
    ] = None,
    *,
    faults: Annotated[
        int | None,
        typer.Option(
            "--faults", "-n", metavar="N", min=1, help="Faults to draw (default: 1000; of the shell 14)."
        ),
    ] = None,
    only: Annotated[
        int | None, typer.Option("--only", metavar="K", min=0, help="Fault K of the seed alone.")
    ] = None,
    shell: Annotated[
        ShellKind | None,
        typer.Option(
            "--shell",
            metavar="single|fpga|wishbone",
            help="Put the faults into the emitted Verilog of this shell instead.",
        ),
    ] = None,
    run_programs: Annotated[
        bool,
        typer.Option(
            "--programs/--no-programs",
            help="Look at programs at all (with --shell each fault takes a simulator of its own).",
        ),
    ] = True,
    vectors: Annotated[
        int,
        typer.Option(
            "--vectors", metavar="N", min=1, help="Random vectors, and as many directed ones, to simulate."
        ),
    ] = 1 << 20,
    engine: Annotated[
        EngineChoice, typer.Option("--engine", metavar="both|abc|sat", help="Who must disprove a fault.")
    ] = EngineChoice.BOTH,
    isa: IsaName = None,
    subset: Subset = None,
    spec: SpecFile = None,
    top: TopModule = "",
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            min=1,
            help="For each fault and engine; what is open then is undecided.",
        ),
    ] = 60.0,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            metavar="N",
            min=0,
            help="Faults of each kind that go through the whole proof of the circuit, too; not with --shell.",
        ),
    ] = 1,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that was stopped, or add faults to a finished one."),
    ] = False,
    max_steps: Annotated[
        int,
        typer.Option("--max-steps", metavar="N", min=1, help="Refuse a program that has not ended by then."),
    ] = 5_000_000,
    seed: Seed = 0,
    jobs: Jobs = None,
) -> None:
    """Put single faults into a model's netlist and see which checks catch them.

    Each fault is one gate of circuit.aig with an inverted, stuck or swapped fanin, or of another kind. The
    proof must disprove every one that changes what is specified; the table shows how many of these the rows
    of programs, random vectors and directed vectors catch, and names some that they do not. Some go through
    all that `bsdgen prove` does with a circuit, which must say "disproved". With --shell the faults are in
    the Verilog of a core around the netlist. Writes mutate.json (mutate_shell.json, mutate_fpga.json,
    mutate_wishbone.json) into the model's folder. Ends with exit code 1 when the proof did not disprove a
    fault that changes the function, 5 when the time limit left some undecided.
    """
    from bsdgen.artifacts import check_writable, locked, sole_writer, write_json
    from bsdgen.cli.prove import plain, specification_of
    from bsdgen.model import Model
    from bsdgen.mutate.result import mutation_text, summary
    from bsdgen.mutate.run import mutate_netlist
    from bsdgen.mutate.shell import mutate_shell
    from bsdgen.prove.engines import ENGINES, Engine

    if faults is not None and only is not None:
        raise UsageError("--only names one fault, --faults how many are drawn; leave one of them out")
    if shell and spec is not None:
        raise UsageError("--spec says nothing of the core; leave --shell or --spec out")
    if only is not None and resume:
        raise UsageError("--only writes nothing to go on with; leave it or --resume out")
    out.held.enter_context(locked(model, shared=True))
    loaded = Model.load(model)
    check_writable(model)
    specification, base, classes = specification_of(loaded, model, isa, subset, spec, top)
    count = faults or (_SHELL_FAULTS if shell else _FAULTS)
    numbers = [only] if only is not None else list(range(count))
    if paths and not run_programs:
        raise UsageError("--no-programs looks at none; leave PROGRAM or --no-programs out")
    files = _files(loaded, paths, shell is not None) if run_programs else []
    engines: dict[EngineChoice, tuple[Engine, ...]]
    engines = {EngineChoice.BOTH: ENGINES, EngineChoice.ABC: ("abc",), EngineChoice.SAT: ("sat",)}

    names = {None: "mutate.json", ShellKind.SINGLE: "mutate_shell.json"}
    path = model / names.get(shell, f"mutate_{shell}.json")
    partial = path.with_name(f"{path.stem}.partial.json")
    if only is None:
        out.held.enter_context(sole_writer(path))
        out.resumable = partial.is_file
    before = _before(out, partial, path) if resume else None
    keep = _Keeper(partial if only is None else None)
    options: dict[str, Any] = {
        "seed": seed,
        "files": files,
        "engines": engines[engine],
        "base": base,
        "classes": classes,
        "time_limit_s": time_limit,
        "max_steps": max_steps,
        "jobs": jobs or 0,
        "before": before,
        "checkpoint": keep,
    }
    with out.progress("mutating") as progress, keep:
        options["progress"] = _teller(progress)
        if shell:
            run = mutate_shell(loaded, model, numbers, shell=shell.value, **options)
        else:
            options |= {"vectors": vectors, "sample": sample}
            run = mutate_netlist(loaded, model, specification, numbers, **options)
    facts = {"summary": summary(run), **plain(run)}
    if only is None:
        write_json(path, facts)
        partial.unlink(missing_ok=True)
    out.result(facts, mutation_text(run))
    _conclude(run, time_limit)


def _teller(progress: Progress) -> Any:
    def tell(text: str, done: int, total: int) -> None:
        progress.stage(text)
        progress(done, total)

    return tell


class _Keeper:
    """Writes a run's results so far, every few seconds and when it ends before its time."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._latest: Mutation | None = None
        self._written = time.monotonic()

    def __call__(self, run: "Mutation") -> None:
        self._latest = run
        if time.monotonic() - self._written > _KEEP_S:
            self._write()

    def __enter__(self) -> "_Keeper":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._write()

    def _write(self) -> None:
        from bsdgen.artifacts import write_json

        if self._path is not None and self._latest is not None:
            write_json(self._path, self._latest)
            self._written = time.monotonic()


def _before(out: Output, partial: Path, path: Path) -> "Mutation | None":
    """What a run that was stopped found, else the last result."""
    import msgspec

    from bsdgen.artifacts import read_object
    from bsdgen.mutate.result import Mutation

    there = next((file for file in (partial, path) if file.exists()), None)
    if there is None:
        out.note(f"there is no {partial.name} or {path.name} to go on with: begins anew")
        return None
    try:
        before = msgspec.convert(read_object(there), Mutation)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{there}: is no result of `bsdgen mutate` ({error}); begin anew without --resume"
        ) from error
    out.note(f"goes on after {len(before.faults):,} faults of {there}")
    return before


def _files(model: "Model", paths: list[Path] | None, shell: bool) -> list[Path]:
    """Programs and traces to look at."""
    from bsdgen.cli.cosim import shipped_programs
    from bsdgen.core.single import is_step_function
    from bsdgen.traces.store import is_traces, traces_in

    if not paths:
        if not is_step_function(model.schema):
            return []
        paths = shipped_programs()
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.elf")) + traces_in(path)
            if not found:
                raise InputError(f"{path}: holds no *.elf file and no traces; give one that does")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"{path}: does not exist; give programs or traces")
    traces = [file for file in files if is_traces(file)]
    if shell and traces:
        raise UsageError(f"{traces[0]}: a core runs programs, not traces; give ELF files with --shell")
    return files


def _conclude(run: "Mutation", time_limit: float) -> None:
    from bsdgen.mutate.result import not_disproved, undecided

    wrong = not_disproved(run)
    if wrong:
        raise CheckFailed(
            f"the proof did not disprove {len(wrong)} faults that change the function "
            f"(first: {wrong[0].number}, {wrong[0].text}; the engines say {wrong[0].engines})"
        )
    left = undecided(run)
    if left:
        raise BudgetReached(
            f"{len(left)} faults are undecided (first: {left[0].number}, {left[0].text}); raise --time-limit "
            f"from {time_limit:.0f} s"
        )
