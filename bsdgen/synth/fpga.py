"""A design on an FPGA, as far as Yosys takes it: cells, without place and route."""

from collections import Counter
from pathlib import Path
from typing import Literal, get_args

import msgspec

from bsdgen.artifacts import read_object
from bsdgen.synth.design import Design, read_commands
from bsdgen.synth.mapping import run_flow

Family = Literal["ecp5", "ice40"]
FAMILIES: tuple[Family, ...] = get_args(Family)
_LUT = {"ecp5": "LUT4", "ice40": "SB_LUT4"}
_CARRY = {"ecp5": "CCU2C", "ice40": "SB_CARRY"}
_FLIP_FLOP = {"ecp5": "TRELLIS_FF", "ice40": "SB_DFF"}
_RAM = {"ecp5": ("TRELLIS_DPR16X4", "DP16KD", "PDPW16KD"), "ice40": ("SB_RAM40_4K", "SB_SPRAM256KA")}

_MULTIPLIER = {"ecp5": ("MULT18X18D", "MULT9X9D", "ALU54B"), "ice40": ("SB_MAC16",)}
_INSIDE: dict[Family, dict[str, int]] = {"ecp5": {"CCU2C": 2, "TRELLIS_DPR16X4": 4}, "ice40": {}}


class FpgaRow(msgspec.Struct, frozen=True):
    """One design on one family.

    Attributes
    ----------
    name : of the design.
    luts, carries, flip_flops, rams, multipliers : four-input lookup tables, carry cells (ECP5: of two bits),
        flip-flops, cells that are memory, and cells that multiply.
    sites : lookup tables with those that carry cells and distributed memory take (ECP5: two and four each; on
        iCE40 a carry shares the place of a table).
    cells : how many of each type.
    graph : digest of the graph that it was made from; "" of a design to compare with.
    """

    name: str
    luts: int
    carries: int
    flip_flops: int
    rams: int
    multipliers: int
    sites: int
    cells: dict[str, int]
    graph: str = ""


def map_fpga(design: Design, family: Family, work: Path) -> FpgaRow:
    """Map a design with ``synth_<family>``; files are left in `work`.

    Raises
    ------
    InputError
        Yosys does not understand the design.
    ToolError
        Yosys is missing or does not end in time.
    """
    commands = [*read_commands(design), f"synth_{family} -top {design.top}", "write_json mapped.json"]
    run_flow(design, commands, work)
    module = read_object(work / "mapped.json")["modules"][design.top]
    cells = Counter(str(cell["type"]) for cell in module["cells"].values())
    return FpgaRow(
        name=design.name,
        luts=cells[_LUT[family]],
        carries=cells[_CARRY[family]],
        flip_flops=sum(count for name, count in cells.items() if name.startswith(_FLIP_FLOP[family])),
        rams=sum(cells[name] for name in _RAM[family]),
        multipliers=sum(cells[name] for name in _MULTIPLIER[family]),
        sites=cells[_LUT[family]] + sum(count * cells[name] for name, count in _INSIDE[family].items()),
        cells=dict(sorted(cells.items())),
        graph=design.graph,
    )
