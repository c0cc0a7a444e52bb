"""``bsdgen riscof``: architecture tests on the learned core."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import CheckFailed, ToolError


class Reference(StrEnum):
    """Whose signatures are right."""

    AUTO = "auto"
    SPIKE = "spike"
    SIMULATOR = "simulator"


def riscof(
    out: Output,
    model: ModelFolder,
    suite: Annotated[
        Path | None,
        typer.Option(
            "--suite", metavar="PATH", help="Checkout of riscv-arch-test (default: four own tests)."
        ),
    ] = None,
    reference: Annotated[
        Reference,
        typer.Option(
            "--reference",
            metavar="auto|spike|simulator",
            help="Reference model (auto: Spike where it is installed, else our simulator).",
        ),
    ] = Reference.AUTO,
    compiler: Annotated[
        str | None,
        typer.Option(
            "--compiler", metavar="COMMAND", help="C compiler for RISC-V (default: what is on PATH)."
        ),
    ] = None,
    environment: Annotated[
        Path | None,
        typer.Option(
            "--environment",
            metavar="DIR",
            help="RISCOF's virtual environment, made if missing (default: .venv-riscof of the clone).",
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="RISCOF's report (default: riscof/ of the model)."),
    ] = None,
) -> None:
    """Run the RV32I architecture tests of a suite on the emitted core through RISCOF.

    Every test leaves a signature on the core and on the reference model; they must be equal. Writes
    riscof.json and RISCOF's own report into the model's folder. Ends with exit code 1 if a test fails.
    """
    from bsdgen.artifacts import locked, sole_writer, write_json
    from bsdgen.cli.cosim import provenance
    from bsdgen.cosim.architecture_tests import (
        find_compiler,
        find_suite,
        make_environment,
        plugin_folder,
        run_architecture_tests,
    )
    from bsdgen.cosim.spike import find_spike

    out.held.enter_context(locked(model, shared=True))
    if model.is_dir():
        out.held.enter_context(sole_writer(model / "riscof.json"))
    of = provenance(model)
    tests_of = find_suite(suite or plugin_folder() / "suite")
    compiler = compiler or find_compiler()
    if reference is Reference.AUTO:
        try:
            find_spike()
            reference = Reference.SPIKE
        except ToolError as error:
            out.note(f"{error}; our own simulator is the reference")
            reference = Reference.SIMULATOR
    with out.progress("making RISCOF's environment") as progress:
        program = make_environment(environment or plugin_folder().parents[1] / ".venv-riscof")
        folder = work or model / "riscof"
        results = run_architecture_tests(
            model,
            tests_of,
            folder,
            riscof=program,
            compiler=compiler,
            reference=reference.value,
            stage=progress.stage,
        )
    failed = [test.name for test in results if not test.passed]
    report = folder / "report.html"
    facts = provenance(model, of) | {
        "suite": str(suite or "own"),
        "reference": reference.value,
        "passed": len(results) - len(failed),
        "failed": failed,
        "tests": [test.name for test in results],
        "report": str(report),
    }
    write_json(model / "riscof.json", facts)
    lines = [f"{'passed' if test.passed else 'FAILED'}  {test.name}" for test in results]
    lines.append(
        f"{len(results) - len(failed)} of {len(results)} passed, reference {reference}; see {report}"
    )
    out.result(facts, "\n".join(lines))
    if failed:
        raise CheckFailed(
            f"{model}: {len(failed)} of {len(results)} tests failed: {', '.join(failed)}; see {report}"
        )
