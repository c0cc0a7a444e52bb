"""``bsdgen record``: rows of programs, of random programs and of random instructions, as traces."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, table
from bsdgen.cli.options import Seed
from bsdgen.errors import CheckFailed, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from bsdgen.isa.recorder import RecordSummary

RANDOM = "random"
"""What the trace of random rows is called."""


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
    check_names([file.stem for file in files])
    return files


def check_names(names: list[str]) -> None:
    """Refuse names of traces that are not all different."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"programs must have different names, {', '.join(twice)} occurs more than once")


def record(
    out: Output,
    programs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PROGRAM]...", help="ELF files, or folders with *.elf files."),
    ] = None,
    *,
    folder: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Folder for the traces, one Parquet file a program."
        ),
    ] = Path("traces"),
    random: Annotated[
        int | None,
        typer.Option(
            "--random", metavar="N", min=1, help="Write N random rows into random.parquet, no program's."
        ),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            "--mix",
            metavar="SHARES",
            help="Of random rows, in percent: valid instructions, near ones (1 to 3 bits flipped), any words "
            "(default: valid=70,near=15,any=15).",
        ),
    ] = None,
    operands: Annotated[
        str | None,
        typer.Option(
            "--operands",
            metavar="SHARES",
            help="Of random rows, in percent: uniform operands, small, nearly constant, related ones "
            "(default: uniform=40,small=15,constant=15,related=30).",
        ),
    ] = None,
    random_programs: Annotated[
        int,
        typer.Option("--random-programs", metavar="N", min=0, help="Record N random programs, too."),
    ] = 0,
    core: Annotated[
        Path | None,
        typer.Option(
            "--core",
            metavar="FILE",
            help="Run programs on this picorv32.v in Verilator instead, by its RVFI port; no oracle.",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option("--size", metavar="N", min=1, help="Words of code of a random program.")
    ] = 200,
    seed: Seed = 0,
    max_steps: Annotated[
        int,
        typer.Option(
            "--max-steps", metavar="N", min=1, help="Stop a program that has not ended by then (exit code 3)."
        ),
    ] = 5_000_000,
) -> None:
    """Record rows of the reference model: retired instructions of programs, or random instructions.

    Programs run on the reference model, one row a retired instruction. Random rows have no program: each is
    an instruction with operands drawn for it. Random programs have the seeds from --seed on. With --core,
    programs run on PicoRV32, and rows say what that does.
    """
    if not programs and random is None and not random_programs:
        raise UsageError("nothing to record; give programs, --random N or --random-programs N")
    if random is None and not (mix is None and operands is None):
        raise UsageError("--mix and --operands say what random rows are; give --random N with them")
    if random is not None and core is not None:
        raise UsageError("--core runs programs, and random rows are none; leave out --random N or --core")
    from bsdgen.isa.generate import generate_images
    from bsdgen.isa.random_rows import Mix
    from bsdgen.isa.recorder import random_name, record_random_rows

    drawn = Mix.parse(mix, operands)
    files = program_files(programs or [])
    seeds = range(seed, seed + random_programs)
    check_names(
        [file.stem for file in files] + [random_name(of) for of in seeds] + [RANDOM] * (random is not None)
    )
    if random_programs:
        generate_images(seed, size, own=True)  # refuses what it cannot make before anything is written
    done: list[RecordSummary] = []
    facts: dict[str, Any] = {}
    differing: dict[str, tuple[int, int]] = {}
    with out.progress("recording") as progress:
        if files or seeds:
            if core is None:
                runs = _on_reference(files, seeds, size, folder, max_steps)
            else:
                runs = _on_core(core, files, seeds, size, folder, max_steps, differing)
            for name in [file.stem for file in files] + [random_name(of) for of in seeds]:
                progress.stage(f"recording {name}")
                done.append(next(runs))
                progress(len(done), len(files) + len(seeds))
            runs.close()
        if random is not None:
            progress.stage("recording random rows")
            path = folder / f"{RANDOM}.parquet"
            record_random_rows(random, seed, path, mix=drawn, progress=progress)
            facts = {"random": {"rows": random, "seed": seed, "mix": drawn.shares, "trace": str(path)}}
    if differing:
        facts["against_reference"] = {
            name: {"differing": wrong, "compared": compared} for name, (wrong, compared) in differing.items()
        }
    _tell(out, done, facts, core)


def _on_reference(
    files: list[Path], seeds: range, size: int, folder: Path, max_steps: int
) -> "Generator[RecordSummary, None, None]":
    from bsdgen.isa.recorder import record, record_random_program

    for file in files:
        yield record(file, folder, max_steps=max_steps)
    for seed in seeds:
        yield record_random_program(seed, size, folder, max_steps=max_steps)


def _on_core(
    core: Path,
    files: list[Path],
    seeds: range,
    size: int,
    folder: Path,
    max_steps: int,
    differing: dict[str, tuple[int, int]],
) -> "Generator[RecordSummary, None, None]":
    """Record each on the core; what differs from the reference model is added up in `differing`."""
    from bsdgen.cosim.picorv32 import differing_bits, picorv32
    from bsdgen.isa.program import load_program
    from bsdgen.isa.recorder import program_facts, random_program, write_run

    with picorv32(core) as built:
        of_core = built.facts(max_steps)
        for number in range(len(files) + len(seeds)):
            if number < len(files):
                program, facts = load_program(files[number]), program_facts(files[number])
            else:  # those for us alone begin anywhere, and each beginning is another simulator
                program, facts = random_program(seeds[number - len(files)], size, own=False)
            run = built.run(program, max_steps=max_steps)
            for name, (wrong, compared) in differing_bits(run.rows).items():
                before = differing.get(name, (0, 0))
                differing[name] = before[0] + wrong, before[1] + compared
            yield write_run(run, folder, of_core | facts)


def _tell(out: Output, done: "list[RecordSummary]", facts: dict[str, Any], core: Path | None) -> None:
    """Print the result; a program that fails on the reference model is a failed check."""
    told = [
        {"name": one.name, "retired": one.retired, "passed": one.passed, "trace": str(one.path)}
        for one in done
    ]
    rows = [[one.name, f"{one.retired:,}", "yes" if one.passed else "NO"] for one in done]
    parts = [table(["program", "retired", "passed"], rows)] if rows else []
    if "against_reference" in facts:
        from bsdgen.cosim.picorv32 import differing_text

        counts = facts["against_reference"]
        parts.append(differing_text({name: (of["differing"], of["compared"]) for name, of in counts.items()}))
    if "random" in facts:
        parts.append(f"{facts['random']['trace']}: {facts['random']['rows']:,} random rows")
    out.result({"programs": told, **facts}, "\n".join(parts))
    failed = [one.name for one in done if not one.passed]
    if failed and core is not None:
        out.note(
            f"{', '.join(failed)}: stored another value than 1 to tohost, so {core.name} is not what they "
            "expect; their rows are what it did"
        )
    elif failed:
        raise CheckFailed(
            f"{', '.join(failed)}: ended with a tohost other than 1 on the reference model; mend the program"
        )
