"""``bsdgen verify``: everything that speaks for or against a model, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Annotated, Any

import typer

from bsdgen.cli.console import Output, table
from bsdgen.cli.cosim import cosim
from bsdgen.cli.emit import emit
from bsdgen.cli.measure import measure
from bsdgen.cli.mutate import mutate
from bsdgen.cli.options import Jobs, ModelFolder, Seed
from bsdgen.cli.prove import prove
from bsdgen.errors import BsdgenError, BudgetReached, CheckFailed, InputError

Facts = dict[str, Any]


class _Kept(Output):
    """An output that keeps a command's result instead of printing it."""

    def __init__(self, of: Output) -> None:
        super().__init__(quiet=of.quiet, verbose=of.verbose)
        self.facts: Facts = {}
        self.text = ""

    def result(self, value: Mapping[str, Any], text: str) -> None:
        self.facts, self.text = dict(value), text


@dataclass(frozen=True)
class Step:
    """One check: what it says, and why it failed ("" if it did not).

    Attributes
    ----------
    name, checked, found : cells of the table.
    verdict : "yes", "NO", or "not run".
    seconds : wall time.
    error : what a failed check says.
    """

    name: str
    checked: str
    found: str
    verdict: str
    seconds: float
    error: str = ""


def verify(
    out: Output,
    model: ModelFolder,
    *,
    vectors: Annotated[
        int, typer.Option("--vectors", "-n", metavar="N", min=1, help="Vectors to measure on.")
    ] = 100_000_000,
    random: Annotated[
        int, typer.Option("--random", metavar="N", min=1, help="Random programs to run in lock-step.")
    ] = 1000,
    faults: Annotated[
        int, typer.Option("--faults", metavar="N", min=1, help="Gate faults to put into the netlist.")
    ] = 200,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", min=0, help="Wall time of the proof. 0: none."),
    ] = 300.0,
    seed: Seed = 0,
    jobs: Jobs = None,
) -> None:
    """Prove an RV32I model, measure it, run programs on its core, break its gates, and end with one table.

    Does what `bsdgen prove`, `measure`, `cosim`, `cosim --random` and `mutate` do, at sizes for a coffee
    break, and leaves their results and the report in the model's folder; Verilog is emitted if there is none.
    Checks go on after one has failed. Ends with exit code 1 when one failed, 5 when the time limit left the
    proof open.
    """
    from bsdgen.artifacts import sha256, write_json
    from bsdgen.core.single import is_step_function
    from bsdgen.emit.parts import model_name
    from bsdgen.model import Model
    from bsdgen.report import write_report

    digest = sha256(model / "model.npz") if (model / "model.npz").is_file() else ""
    if not is_step_function(Model.load(model).schema):
        raise InputError(
            f"{model}: only an RV32I step function has a core to run programs on; use `bsdgen prove {model} "
            "--spec FILE`, `bsdgen measure` and `bsdgen mutate` for another"
        )
    if not (model / "verilog" / f"{model_name(model)}_core.v").is_file():
        _call(lambda kept: emit(kept, model), _Kept(out))
    steps: list[Step] = []
    errors: list[BsdgenError] = []

    def run(name: str, command: Callable[[Output], None], say: Callable[[Facts], tuple[str, str]]) -> None:
        kept, begun, error = _Kept(out), perf_counter(), None
        try:
            _call(command, kept)
        except BsdgenError as raised:
            error = raised
            errors.append(raised)
            if kept.text and not out.quiet and not out.json:
                print(kept.text, flush=True)
        checked, found = say(kept.facts) if kept.facts else ("", "")
        failed = isinstance(error, CheckFailed | BudgetReached)
        verdict = "yes" if error is None else "NO" if failed else "not run"
        seconds = perf_counter() - begun
        steps.append(Step(name, checked, found, verdict, seconds, str(error) if error else ""))
        if sha256(model / "model.npz") != digest:
            raise InputError(
                f"{model}: another model was written into the folder while this one was verified (seen after "
                f"{name!r}), so that the checks are not of one model; run `bsdgen verify {model}` again"
            )

    run("proof", lambda kept: prove(kept, model, time_limit=time_limit, jobs=jobs), _proof)
    run("vectors", lambda kept: measure(kept, [model], vectors=vectors, seed=seed, jobs=jobs), _vectors)
    run("programs", lambda kept: cosim(kept, model, jobs=jobs), _programs)
    run("random programs", lambda kept: cosim(kept, model, random=random, seed=seed, jobs=jobs), _random)
    run("mutants", lambda kept: mutate(kept, model, faults=faults, seed=seed, jobs=jobs), _mutants)
    facts = {"model_sha256": digest, "steps": [asdict(step) for step in steps]}
    write_json(model / "verify.json", facts)
    with out.progress("writing the report") as progress:
        write_report(model)
        progress(1, 1)
    out.result(facts, f"{_text(steps)}\n\nreport    {model / 'report.html'}")
    if errors:
        first = next((error for error in errors if isinstance(error, CheckFailed)), errors[0])
        raise first


def _call(command: Callable[[Output], None], kept: _Kept) -> None:
    """Run a command; the locks that it takes go when it ends, whatever it ends with."""
    with kept.held:
        command(kept)


def _text(steps: list[Step]) -> str:
    rows = [[s.name, s.checked, s.found, s.verdict, f"{s.seconds:.0f}"] for s in steps]
    return table(["check", "of", "found", "holds", "seconds"], rows, left=4)


def _proof(facts: Facts) -> tuple[str, str]:
    """Bits: cared for, and proved by every engine; and what the specification is, which may be of a part."""
    stages = facts["stages"]
    cared = sum(row["cared"] for stage in stages for row in stage["outputs"])
    proved = sum(min(row["proved"].values()) for stage in stages for row in stage["outputs"])
    names = ", ".join(stage["name"] for stage in stages)
    return (
        f"{cared:,} bits ({names}) of {facts['specification']}",
        f"{proved:,} proved by {len(facts['engines'])} engines",
    )


def _vectors(facts: Facts) -> tuple[str, str]:
    return f"{facts['vectors']:,}", f"{facts['errors']:,} errors, 95 % < {facts['upper']:.1e}"


def _programs(facts: Facts) -> tuple[str, str]:
    programs = facts["programs"]
    retired = sum(item["retired"] for item in programs)
    wrong = sum(bool(item["mismatches"]) or not item["passed"] for item in programs)
    return f"{len(programs):,}, {retired:,} instructions", f"{wrong:,} failed"


def _random(facts: Facts) -> tuple[str, str]:
    return f"{facts['programs']:,}, {facts['retired']:,} instructions", f"{len(facts['failed']):,} failed"


def _mutants(facts: Facts) -> tuple[str, str]:
    total = facts["summary"][-1]
    return (
        f"{total['n']:,} faults, {total['equivalent']:,} equivalent, {total['undecided']:,} undecided",
        f"{total['proof']:,} of {total['killable']:,} killable disproved",
    )
