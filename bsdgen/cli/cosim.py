"""``bsdgen cosim``: the learned core in lock-step with the reference model."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.console import Output, table
from bsdgen.cli.options import ModelFolder
from bsdgen.cli.record import program_files
from bsdgen.errors import CheckFailed, InputError


def _shipped_programs() -> list[Path]:
    """Programs of the working folder, else of the clone that this package is installed from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        folder = root / "sim" / "programs"
        if any(folder.glob("*.elf")):
            return [folder]
    raise InputError("no programs: sim/programs/*.elf is not here; name at least one ELF file")


def cosim(
    out: Output,
    model: ModelFolder,
    programs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PROGRAM]...", help="ELF files or folders (default: sim/programs/*.elf)."),
    ] = None,
    max_steps: Annotated[
        int,
        typer.Option("--max-steps", metavar="N", min=1, help="Stop a program that has not ended by then."),
    ] = 5_000_000,
) -> None:
    """Run programs on the emitted core in Verilator, every retired instruction held to the reference model.

    A program ends by a word store to its symbol tohost (1 = pass). Writes cosim.json into the model's folder.
    Ends with exit code 1 at a mismatch or when a program does not pass.
    """
    from bsdgen.artifacts import sha256, write_json
    from bsdgen.cosim.run import cosimulate

    files = program_files(programs or _shipped_programs())
    binary = model / "model.npz"
    digest = sha256(binary) if binary.is_file() else ""  # before the run: the model may be learned anew in it
    with out.progress("co-simulating") as progress:
        results = cosimulate(model, files, max_steps=max_steps, progress=progress)
    facts = {"model_sha256": digest, "programs": [asdict(result) for result in results]}
    write_json(model / "cosim.json", facts)
    rows = [
        [
            item.name,
            f"{item.retired:,}",
            f"{item.mismatches:,}",
            "yes" if item.passed else "NO",
            f"{item.wall_s:.1f}",
        ]
        for item in results
    ]
    lines = [table(["program", "retired", "mismatches", "passed", "seconds"], rows)]
    lines += [f"{item.name}: {item.detail}" for item in results if item.detail]
    out.result(facts, "\n".join(lines))
    failed = [item for item in results if item.mismatches or not item.passed]
    if failed:
        names = ", ".join(item.name for item in failed)
        raise CheckFailed(
            f"{model}: {names} did not pass in lock-step ({failed[0].name}: {failed[0].detail}); "
            f"see {model / 'cosim.json'}"
        )
