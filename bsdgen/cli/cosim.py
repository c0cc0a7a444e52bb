"""``bsdgen cosim``: the learned core in lock-step with a reference."""

import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, table
from bsdgen.cli.options import ModelFolder
from bsdgen.cli.record import program_files
from bsdgen.errors import BsdgenError, CheckFailed, InputError, UsageError

if TYPE_CHECKING:
    from bsdgen.cosim.campaign import Campaign
    from bsdgen.cosim.run import ProgramResult

FAILURES = "failures"


class HarnessKind(StrEnum):
    """What drives the core."""

    FAST = "fast"
    COCOTB = "cocotb"


class Against(StrEnum):
    """What the core is held to."""

    SIMULATOR = "simulator"
    SPIKE = "spike"
    NONE = "none"


class ShellKind(StrEnum):
    """The core around the learned logic."""

    SINGLE = "single"
    FPGA = "fpga"
    WISHBONE = "wishbone"


def shipped_programs() -> list[Path]:
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
    harness: Annotated[
        HarnessKind,
        typer.Option("--harness", metavar="fast|cocotb", help="C++ without VPI, or cocotb (slower)."),
    ] = HarnessKind.FAST,
    against: Annotated[
        Against,
        typer.Option(
            "--against",
            metavar="simulator|spike|none",
            help="The reference: our simulator, a commit log of Spike, or none: run the core alone.",
        ),
    ] = Against.SIMULATOR,
    shell: Annotated[
        ShellKind,
        typer.Option(
            "--shell",
            metavar="single|fpga|wishbone",
            help="The core to run; fpga and wishbone have a synchronous memory on their bus, which --stall "
            "makes slow.",
        ),
    ] = ShellKind.SINGLE,
    max_steps: Annotated[
        int,
        typer.Option("--max-steps", metavar="N", min=1, help="Stop a program that has not ended by then."),
    ] = 5_000_000,
    signature: Annotated[
        Path | None,
        typer.Option(
            "--signature",
            metavar="FILE",
            help="Write the words from begin_signature to end_signature here (several programs: a folder).",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option("--random", metavar="N", min=1, help="Run N constrained-random programs instead."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seed of the first random program.")
    ] = 0,
    size: Annotated[
        int, typer.Option("--size", metavar="N", min=1, help="Words of code of a random program.")
    ] = 200,
    stall: Annotated[
        int | None,
        typer.Option(
            "--stall",
            metavar="SEED",
            min=0,
            max=2**32 - 1,
            help="Hold the core at random cycles (0: never; default: never, with --random at every second "
            "program).",
        ),
    ] = None,
    resets: Annotated[
        int,
        typer.Option(
            "--resets",
            metavar="SEED",
            min=0,
            max=2**32 - 1,
            help="Reset the core at 16 random cycles of each program (0: at its beginning alone).",
        ),
    ] = 0,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, help="Retired instructions to list at a mismatch.")
    ] = 16,
    wave: Annotated[
        int, typer.Option("--wave", metavar="N", min=0, help="Instructions that a failure's waveform shows.")
    ] = 64,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", min=1, help="Simulators at a time (default: all cores)."),
    ] = None,
) -> None:
    """Run programs on the emitted core in Verilator, every retired instruction held to a reference.

    A program ends by a word store to its symbol tohost (1 = pass). Writes cosim.json into the model's folder
    (with --random cosim_random.json, with --shell fpga cosim_fpga.json, cosim_random_fpga.json), and what
    belongs to failures into its folder failures/: waveforms, and random programs reduced to the fewest words
    that still fail. Ends with exit code 1 at a mismatch or when a program does not pass.
    """
    from bsdgen.artifacts import locked, sole_writer

    out.held.enter_context(locked(model, shared=True))
    if model.is_dir():
        out.held.enter_context(sole_writer(model / "cosim.json"))
    jobs = jobs or os.cpu_count() or 1
    if random is not None and (
        programs or signature or harness is HarnessKind.COCOTB or against is not Against.SIMULATOR
    ):
        raise UsageError(
            "--random makes its own programs, for the fast harness against our simulator; leave out PROGRAM, "
            "--signature, --harness and --against"
        )
    files = program_files(programs or shipped_programs()) if random is None else []
    of = provenance(model, shell=shell)  # before the run: the model may be learned anew in it
    if random is None:
        options: dict[str, Any] = {"harness": harness.value, "against": against.value, "max_steps": max_steps}
        options |= {"jobs": jobs, "last": last, "signature": signature, "wave_length": wave}
        options |= {"stall": stall or 0, "shell": shell.value, "resets": resets}
        _run_programs(out, model, files, of, options)
        return
    options = {"seed": seed, "size": size, "jobs": jobs, "stall": stall, "last": last}
    options |= {"shell": shell.value, "resets": resets}
    _run_random(out, model, random, of, wave, options)


def provenance(
    model: Path, before: dict[str, Any] | None = None, shell: ShellKind = ShellKind.SINGLE
) -> dict[str, Any]:
    """What a result is of: the model, the Verilog that runs, and who ran it.

    Taken before the run; what was there `before` stays, a core that the run itself wrote is added.
    """
    from bsdgen import __version__
    from bsdgen.artifacts import sha256
    from bsdgen.cosim.simulator import verilog_digests

    binary = model / "model.npz"
    known = before or {"model_sha256": sha256(binary) if binary.is_file() else "", "verilog_sha256": {}}
    verilog = verilog_digests(model, shell.value) | known["verilog_sha256"]
    return known | {"verilog_sha256": verilog, "bsdgen": __version__}


def _run_programs(
    out: Output, model: Path, files: list[Path], of: dict[str, Any], options: dict[str, Any]
) -> None:
    from bsdgen.artifacts import write_json
    from bsdgen.cosim.run import cosimulate

    waves = model / FAILURES if options["wave_length"] else None
    alone = options["against"] == Against.NONE
    facts = of | {name: options[name] for name in ("harness", "against", "stall", "resets", "shell")}
    shell = ShellKind(options["shell"])
    path = model / ("cosim.json" if shell is ShellKind.SINGLE else f"cosim_{shell}.json")
    results: list[ProgramResult] = []

    def found(known: "list[ProgramResult]") -> None:
        results[:] = known
        facts.update(provenance(model, of, shell))
        facts["programs"] = [asdict(result) for result in known]
        if not alone:  # the core alone shows nothing about the model
            write_json(path, facts)

    try:
        with out.progress("co-simulating") as progress:
            cosimulate(model, files, waves=waves, progress=progress, found=found, **options)
    except BsdgenError as error:
        if not any(item.failed for item in results):
            raise
        out.note(f"{error}")  # what was found before it counts
    out.result(facts, _program_text(results, waves, cycles=shell is not ShellKind.SINGLE))
    failed = [item for item in results if item.failed]
    if failed:
        names = ", ".join(item.name for item in failed)
        raise CheckFailed(
            f"{model}: {names} did not pass{'' if alone else ' in lock-step'} "
            f"({failed[0].name}: {failed[0].detail})" + ("" if alone else f"; see {path}")
        )


def _program_text(results: "list[ProgramResult]", waves: Path | None, *, cycles: bool) -> str:
    """A line a program; with its cycles, cycles an instruction (CPI) and at most (max) where these differ."""
    rows = [
        [
            item.name,
            f"{item.retired:,}",
            *([f"{item.cycles:,}", f"{item.cycles / max(1, item.retired):.2f}"] if cycles else []),
            *([f"{item.longest}"] if cycles else []),
            f"{item.mismatches:,}",
            "yes" if item.passed else "NO",
            f"{item.wall_s:.1f}",
        ]
        for item in results
    ]
    more = ["cycles", "CPI", "max"] if cycles else []
    lines = [table(["program", "retired", *more, "mismatches", "passed", "seconds"], rows)]
    retired, wall_s = sum(item.retired for item in results), sum(item.wall_s for item in results)
    rate = retired / wall_s if wall_s else 0.0
    if cycles:
        total = sum(item.cycles for item in results)
        lines.append(f"{retired:,} instructions in {total:,} cycles, {total / max(1, retired):.2f} each")
    lines.append(f"{retired:,} instructions in {wall_s:.2f} s of simulation, {rate:,.0f} a second")
    for item in results:
        if item.detail:
            lines += ["", f"{item.name}: {item.detail}"]
        if item.last:
            lines += ["retired before:", *(f"  {line}" for line in item.last)]
        if item.mismatches and waves is not None:
            lines.append(f"waveform: {waves / item.name}.vcd")
    return "\n".join(lines)


def _run_random(
    out: Output, model: Path, programs: int, of: dict[str, Any], wave: int, options: dict[str, Any]
) -> None:
    from bsdgen.artifacts import write_json
    from bsdgen.cosim.campaign import run_campaign
    from bsdgen.cosim.run import cosimulate

    folder = model / FAILURES
    shell = ShellKind(options["shell"])
    path = model / f"cosim_random{'' if shell is ShellKind.SINGLE else f'_{shell}'}.json"
    known: list[Campaign] = []

    def found(campaign: "Campaign") -> None:
        known[:] = [campaign]
        write_json(path, provenance(model, of, shell) | asdict(campaign))

    try:
        with out.progress("co-simulating random programs") as progress:
            found(run_campaign(model, programs, out=folder, progress=progress, found=found, **options))
            for finding in known[0].findings if wave else ():
                if finding.elf:
                    progress.stage("drawing waveforms")
                    elf = Path(finding.elf)
                    held: dict[str, Any] = {"stall": finding.stall, "resets": finding.resets}
                    cosimulate(model, [elf], waves=folder, wave_length=wave, shell=shell.value, **held)
    except BsdgenError as error:
        if not known or not known[0].failed:
            raise
        out.note(f"{error}")  # what was found before it counts
    (campaign,) = known
    out.result(provenance(model, of, shell) | asdict(campaign), _campaign_text(campaign, model))
    if campaign.failed:
        first = campaign.findings[0]
        raise CheckFailed(
            f"{model}: {len(campaign.failed):,} of {campaign.programs:,} random programs did not pass in "
            f"lock-step (seed {first.seed}: {first.detail}); see {path}"
        )


def _campaign_text(campaign: "Campaign", model: Path) -> str:
    from bsdgen.cosim.campaign import reproduce

    end = campaign.seed + campaign.programs - 1
    lines = [
        f"{campaign.programs:,} random programs (seeds {campaign.seed} to {end}), {campaign.retired:,} "
        f"instructions retired in lock-step, {len(campaign.failed):,} programs failed"
    ]
    for finding in campaign.findings:
        where = " ".join(filter(None, [finding.instruction, finding.field])) or "end"
        lines += [
            "",
            f"{where}: {finding.seeds:,} programs, first seed {finding.seed}",
            f"  {finding.detail}",
        ]
        reduced, whole = reproduce(finding, finding.elf, campaign)
        if finding.elf:
            lines += [
                f"  reduced to {finding.words} word{'s' * (finding.words != 1)}: {finding.source}",
                f"  reproduce: bsdgen cosim {model} {reduced}",
            ]
        lines.append(f"  whole program: bsdgen cosim {model} {whole}")
    return "\n".join(lines)
