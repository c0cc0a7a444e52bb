"""``bsdgen synth``: a model as standard cells or on an FPGA, beside other cores through the same flow."""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bsdgen.cli.console import Output, Progress, table
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import InputError

if TYPE_CHECKING:
    from bsdgen.synth.design import Design
    from bsdgen.synth.fpga import FpgaRow
    from bsdgen.synth.result import Asic, Synthesis


class FamilyChoice(StrEnum):
    """FPGA families."""

    ECP5 = "ecp5"
    ICE40 = "ice40"


def synth(
    out: Output,
    model: ModelFolder,
    *,
    lib: Annotated[
        Path | None,
        typer.Option(
            "--lib",
            metavar="FILE",
            help="Liberty file of a standard-cell library (default: osu018, where `make liberty` or its "
            "Debian package puts it).",
        ),
    ] = None,
    fpga: Annotated[
        list[FamilyChoice] | None,
        typer.Option(
            "--fpga",
            metavar="ecp5|ice40",
            help="Count cells of this FPGA family instead (with --lib: too); may be given more than once.",
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare",
            metavar="FILE:TOP",
            help="A Verilog core to put beside it, [NAME=]FILE[,FILE...]:TOP[:PARAMETER=NUMBER,...]; may be "
            "given more than once.",
        ),
    ] = None,
    clock: Annotated[
        float, typer.Option("--clock", metavar="MHZ", min=0.001, help="Clock at which power is told.")
    ] = 100.0,
    sta: Annotated[
        bool | None,
        typer.Option("--sta/--no-sta", help="Ask OpenSTA, or leave it out (default: if it is installed)."),
    ] = None,
) -> None:
    """Map the step function and the core to standard cells or an FPGA family, and other cores beside them.

    The learned logic as it is, and as each `bsdgen optimise` left it. Area, cells by type, critical path by
    ABC and by OpenSTA, power; or lookup tables, carry cells and flip-flops, without place and route. One flow
    for all: nothing is tuned to a design. Writes synth.json and pictures into the model's folder.
    """
    from bsdgen.artifacts import locked, tool_versions
    from bsdgen.model import Model
    from bsdgen.synth.design import model_designs, parse_compares
    from bsdgen.synth.liberty import read_liberty
    from bsdgen.synth.result import SYNTH_VERSION, Synthesis
    from bsdgen.synth.run import synthesise, synthesise_fpga

    others = parse_compares(compare or [])
    library = read_liberty(_liberty(lib)) if lib is not None or not fpga else None
    out.held.enter_context(locked(model))
    loaded = Model.load(model)
    before = _before(model, loaded.digest)
    asic: Asic | None = None
    rows: dict[str, tuple[FpgaRow, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as work, out.progress("synthesising") as progress:
        designs: list[Design] = [*model_designs(loaded, model, Path(work)), *others]
        if library is not None:
            asic = synthesise(designs, library, clock_mhz=clock, sta=sta, progress=_teller(progress))
        for family in dict.fromkeys(fpga or []):
            rows[family.value] = synthesise_fpga(designs, family.value, progress=_teller(progress))
    if asic is not None and asic.sta != "used":
        out.note(f"OpenSTA {asic.sta}; its critical path is left out and power is a rough estimate")
    result = Synthesis(
        version=SYNTH_VERSION, model=loaded.digest, tools=tool_versions("pyosys"), asic=asic, fpga=rows
    )
    _save(model, result, before)
    files = _draw(model, asic, rows)
    out.result(_facts(result, files), "\n\n".join([*_tables(asic, rows), "\n".join(map(str, files))]))


def _liberty(lib: Path | None) -> Path:
    from bsdgen.synth.liberty import DEFAULT_PLACES, find_liberty

    found = lib or find_liberty()
    if found is None:
        raise InputError(
            f"there is no liberty file at {' or '.join(map(str, DEFAULT_PLACES))}; get one with "
            "`make liberty`, or give one with --lib FILE"
        )
    return found


def _teller(progress: Progress) -> Any:
    def tell(name: str, done: int, total: int) -> None:
        progress.stage(f"synthesising {name}")
        progress(done, total)

    return tell


def _before(folder: Path, digest: str) -> "Synthesis | None":
    """What an earlier run on the same model with the same tools found; a broken file ends it here."""
    from bsdgen.artifacts import tool_versions
    from bsdgen.synth.result import read_synthesis

    path = folder / "synth.json"
    found = read_synthesis(path) if path.is_file() else None
    same = found is not None and found.model == digest and found.tools == tool_versions("pyosys")
    return found if same else None


def _save(folder: Path, result: "Synthesis", before: "Synthesis | None") -> None:
    """Write synth.json; what was not asked for this time stays as it was found before."""
    import msgspec

    from bsdgen.artifacts import write_json

    if before is not None:
        result = msgspec.structs.replace(
            result, asic=result.asic or before.asic, fpga={**before.fpga, **result.fpga}
        )
    write_json(folder / "synth.json", result)


def _draw(folder: Path, asic: "Asic | None", fpga: "dict[str, tuple[FpgaRow, ...]]") -> list[Path]:
    from bsdgen.artifacts import write_text
    from bsdgen.report.hardware import cells_picture, luts_picture
    from bsdgen.report.style import standalone

    pictures = {"synth.svg": cells_picture(asic)} if asic is not None else {}
    pictures |= {f"synth_{family}.svg": luts_picture(family, rows) for family, rows in fpga.items()}
    for name, svg in pictures.items():
        write_text(folder / name, standalone(svg))
    return [folder / "synth.json", *(folder / name for name in pictures)]


def _facts(result: "Synthesis", files: list[Path]) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(result)
    return plain | {"files": [str(file) for file in files]}


def _tables(asic: "Asic | None", fpga: "dict[str, tuple[FpgaRow, ...]]") -> list[str]:
    from bsdgen.synth.result import asic_cells, fpga_cells

    shown = []
    if asic is not None:
        how = asic.rows[0].power.how
        title = f"{asic.library}; power at {asic.clock_mhz:g} MHz, {asic.activity:g} changes a net and cycle"
        notes = [f"{row.name}: {row.note}" for row in asic.rows if row.note]
        proved = next((row.proved_by for row in asic.rows if row.proved_by), ())
        if proved:
            notes.append(f"cells of the step function: proved equal to the diagram by {' and '.join(proved)}")
        shown.append("\n".join([f"{title} ({how})", table(*asic_cells(asic)), *notes]))
    shown += [f"{family}\n{table(*fpga_cells(rows))}" for family, rows in fpga.items()]
    return shown
