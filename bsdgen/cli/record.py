"""``bsdgen record``: run programs on the reference model and write their traces."""

from pathlib import Path
from typing import Annotated

import typer

from bsdgen.cli.console import Output, table
from bsdgen.errors import CheckFailed, InputError, UsageError


def program_files(paths: list[Path]) -> list[Path]:
    """Expand folders into the ELF files in them; names must differ, since artifacts are named by them."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.elf"))
            if not found:
                raise InputError(f"{path}: holds no *.elf file; give a program or a folder with programs")
            files += found
        else:
            files.append(path)
    stems = [file.stem for file in files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise UsageError(f"programs must have different names, {', '.join(twice)} occurs more than once")
    return files


def record(
    out: Output,
    programs: Annotated[
        list[Path], typer.Argument(metavar="PROGRAM...", help="ELF files, or folders with *.elf files.")
    ],
    folder: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Folder for the traces, one Parquet file a program."
        ),
    ] = Path("traces"),
    max_steps: Annotated[
        int,
        typer.Option(
            "--max-steps", metavar="N", min=1, help="Stop a program that has not ended by then (exit code 3)."
        ),
    ] = 5_000_000,
) -> None:
    """Run programs on the reference model and record every retired instruction as RVFI rows."""
    from bsdgen.artifacts import sha256, tool_versions
    from bsdgen.isa.program import load_program
    from bsdgen.isa.runner import run_program
    from bsdgen.traces.schema import RVFI_SCHEMA
    from bsdgen.traces.store import write_traces

    files = program_files(programs)
    done: list[dict[str, object]] = []
    with out.progress("recording") as progress:
        for count, file in enumerate(files):
            progress.stage(f"recording {file.stem}")
            run = run_program(load_program(file), max_steps=max_steps)
            path = folder / f"{file.stem}.parquet"
            provenance = {
                "oracle": "simulator:rv32i",
                "program": file.name,
                "program_sha256": sha256(file),
                "retired": run.retired,
                "tools": tool_versions("numpy", "numba", "pyarrow"),
            }
            write_traces(path, run.rows, RVFI_SCHEMA, provenance)
            done.append({"name": file.stem, "retired": run.retired, "passed": run.passed, "trace": str(path)})
            progress(count + 1, len(files))
    rows = [[str(row["name"]), f"{row['retired']:,}", "yes" if row["passed"] else "NO"] for row in done]
    out.result({"programs": done}, table(["program", "retired", "passed"], rows))
    failed = [str(row["name"]) for row in done if not row["passed"]]
    if failed:
        raise CheckFailed(
            f"{', '.join(failed)}: ended with a tohost other than 1 on the reference model; mend the program"
        )
