"""What synthesis gave, as a document and as tables."""

from pathlib import Path

import msgspec

from bsdgen.artifacts import read_json
from bsdgen.errors import InputError
from bsdgen.synth.fpga import FpgaRow
from bsdgen.synth.timing import CriticalPath, Power

SYNTH_VERSION = 2


class AsicRow(msgspec.Struct, frozen=True):
    """One design as standard cells.

    Attributes
    ----------
    name : of the design.
    area, sequential_area : in the library's unit (µm² by custom), of all cells and of flip-flops.
    n_cells, cells : cells, and how many of each type.
    memory_bits, memory_area : bits of memories (the register file), and the area of them alone: flip-flops,
        selection and writing.
    abc_ns : longest path through gates as ABC has it, from flip-flop or port to flip-flop or port.
    path : critical path as OpenSTA has it, flip-flops included; None if it was not asked or there is none.
    power : at the clock of the run.
    seconds : of Yosys, ABC and OpenSTA.
    graph : digest of the graph that it was made from; "" of a design to compare with.
    note : what is wanting in it.
    proved_by : engines that proved the cells equal to the model's diagram; of step functions alone.
    """

    name: str
    area: float
    sequential_area: float
    n_cells: int
    cells: dict[str, int]
    memory_bits: int
    memory_area: float
    abc_ns: float | None
    path: CriticalPath | None
    power: Power
    seconds: float
    graph: str = ""
    note: str = ""
    proved_by: tuple[str, ...] = ()


class Asic(msgspec.Struct, frozen=True):
    """All designs as cells of one library.

    Attributes
    ----------
    liberty, liberty_sha256, library : file, its digest, what it calls itself.
    clock_mhz, activity : of the power: clock, and changes of every net in a cycle.
    sta : OpenSTA's part: "used", or why not.
    """

    liberty: str
    liberty_sha256: str
    library: str
    clock_mhz: float
    activity: float
    sta: str
    rows: tuple[AsicRow, ...]


class Synthesis(msgspec.Struct, frozen=True):
    """The document of synth.json.

    Attributes
    ----------
    version, model : of the document; digest of the model.
    tools : versions.
    asic : as standard cells; None if never asked.
    fpga : rows by family.
    """

    version: int
    model: str
    tools: dict[str, str]
    asic: Asic | None = None
    fpga: dict[str, tuple[FpgaRow, ...]] = {}


def read_synthesis(path: Path) -> Synthesis:
    """Read synth.json.

    Raises
    ------
    InputError
        It is missing or of another version.
    """
    try:
        found = msgspec.convert(read_json(path), type=Synthesis)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: is no result of this version ({error}); remove it and synthesise again"
        ) from error
    if found.version != SYNTH_VERSION:
        raise InputError(
            f"{path}: is version {found.version}, expected {SYNTH_VERSION}; remove it and synthesise again"
        )
    return found


def asic_cells(asic: Asic) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of standard cells."""
    header = ["design", "cells", "area", "memories", "the rest", "ABC ns", "STA ns", "MHz", "mW"]
    rows = []
    for row in asic.rows:
        clocked = row.path is not None and row.sequential_area > 0
        rows.append(
            [
                row.name,
                f"{row.n_cells:,}",
                f"{row.area:,.0f}",
                f"{row.memory_area:,.0f}" if row.memory_bits else "-",
                f"{row.area - row.memory_area:,.0f}",
                "-" if row.abc_ns is None else f"{row.abc_ns:.2f}",
                "-" if row.path is None else f"{row.path.ns:.2f}",
                f"{1000 / row.path.ns:.0f}" if row.path is not None and clocked else "-",
                f"{row.power.total_mw:.2f}",
            ]
        )
    return header, rows


def fpga_cells(rows: tuple[FpgaRow, ...]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of an FPGA family."""
    header = ["design", "LUT4", "carry", "flip-flops", "memory cells", "multipliers", "LUTs in all"]
    return header, [
        [
            row.name,
            *(
                f"{at:,}"
                for at in (row.luts, row.carries, row.flip_flops, row.rams, row.multipliers, row.sites)
            ),
        ]
        for row in rows
    ]
