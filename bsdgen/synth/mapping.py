"""A design as standard cells, by Yosys and ABC.

The same for every design: flattened; what only watches the core (``rvfi_*``) cut off; memories as
flip-flops and multiplexers; flip-flops of the kinds that the library has; logic mapped, buffered and sized by
ABC for the least delay it finds; buffer trees behind flip-flops and ports (`bsdgen.synth.fanout`). No wires:
loads are those of the pins alone.
"""

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsdgen.artifacts import read_object, write_json
from bsdgen.circuit.aiger import NamedAig, read_aiger
from bsdgen.circuit.tools import run_yosys
from bsdgen.errors import InputError, ToolError
from bsdgen.synth.design import Design, read_commands
from bsdgen.synth.fanout import buffer_sources
from bsdgen.synth.liberty import Liberty

_ABC = (
    "+strash;&get,-n;&fraig,-x;&put;scorr;dc2;dch,-f;strash;&get,-n;&nf;&put;buffer,-c;topo;upsize;dnsize;"
    "stime,-p"
)
_TIMEOUT_S = 1800
_MEMORIES = "bsdgen_memories"


@dataclass(frozen=True)
class Mapped:
    """A netlist of cells.

    Attributes
    ----------
    top : name of its module.
    netlist : Verilog file.
    cells : how many of each type.
    memory_bits, memory_area : bits of memories before they became flip-flops, and the area that those take
        with all that selects and writes them, mapped on their own.
    abc_delay_ns : longest path through gates, flip-flops left out; None without gates.
    clocks : input ports that clock flip-flops, straight or through cells with one input.
    """

    top: str
    netlist: Path
    cells: dict[str, int]
    memory_bits: int
    memory_area: float
    abc_delay_ns: float | None
    clocks: tuple[str, ...]


def map_design(design: Design, liberty: Liberty, work: Path) -> Mapped:
    """Map a design; files are left in `work`.

    Raises
    ------
    InputError
        Yosys does not understand the design, or it needs cells that the library lacks.
    ToolError
        Yosys is missing or does not end in time.
    """
    shutil.copyfile(liberty.path, work / "cells.lib")  # a name without blanks, which ABC cannot read
    opening = [*read_commands(design), "opt", "memory -nomap", "opt_clean", "write_json memories.json"]
    log = run_flow(design, [*opening, *_to_cells(design.top, liberty)], work)
    document = read_object(work / "mapped.json")
    module = document["modules"][design.top]
    _cells(design, liberty, module)
    clocks = _clocks(module, liberty)
    buffer_sources(module, liberty, frozenset(clocks.values()))
    write_json(work / "buffered.json", document)
    # OpenSTA reads names and single bits on the left of an assignment, no concatenations.
    run_flow(design, ["read_json buffered.json", "write_verilog -noattr -noexpr -simple-lhs mapped.v"], work)
    delays = re.findall(r"ABC:.*Delay *= *([\d.]+) *ps", log)
    memory_bits = _memory_bits(read_object(work / "memories.json")["modules"][design.top])
    return Mapped(
        top=design.top,
        netlist=work / "mapped.v",
        cells=_cells(design, liberty, module),
        memory_bits=memory_bits,
        memory_area=_memory_area(design, liberty, opening, work) if memory_bits else 0.0,
        abc_delay_ns=float(delays[-1]) / 1000 if delays else None,
        clocks=tuple(clocks),
    )


def read_cells(design: Design, mapped: Mapped, work: Path) -> NamedAig:
    """The logic of a netlist of cells without state, by what the library says that each cell does.

    Parameters
    ----------
    work : where `map_design` left the netlist and the library.
    """
    read = [
        "read_liberty -ignore_miss_dir -ignore_miss_func cells.lib",
        f"read_verilog {mapped.netlist.name}",
    ]
    to_ands = [f"hierarchy -top {mapped.top}", "flatten", "opt_clean", "techmap", "aigmap", "opt_clean"]
    run_flow(design, [*read, *to_ands, "write_aiger -symbols cells.aig"], work)
    return read_aiger(work / "cells.aig")


def _to_cells(top: str, liberty: Liberty, file: str = "mapped") -> list[str]:
    """Commands from a flat design to ``<file>.json``, its ports split into bits."""
    return [
        f"synth -flatten -noabc -top {top}",
        "dfflibmap -liberty cells.lib",
        "opt",
        f"abc -liberty cells.lib -script {_ABC}",
        *("setundef -zero", "splitnets -ports", "opt_clean -purge", f"write_json {file}.json"),
    ]


def _memory_area(design: Design, liberty: Liberty, opening: list[str], work: Path) -> float:
    """Area of the memories when they are mapped on their own."""
    alone = [f"submod -name {_MEMORIES} t:$mem_v2", f"hierarchy -top {_MEMORIES}"]
    run_flow(design, [*opening, *alone, *_to_cells(_MEMORIES, liberty, "memory")], work)
    cells = _cells(design, liberty, read_object(work / "memory.json")["modules"][_MEMORIES])
    return sum(count * liberty.cells[name].area for name, count in cells.items())


def _cells(design: Design, liberty: Liberty, module: dict[str, Any]) -> dict[str, int]:
    """Cells by type; all must be the library's."""
    cells = Counter(str(cell["type"]) for cell in module["cells"].values())
    foreign = sorted(set(cells) - set(liberty.cells))
    if foreign:
        raise InputError(
            f"{design.name}: {liberty.path} has no cell for {', '.join(foreign[:5])}; expected a library "
            "with the flip-flops and gates that the design needs, such as osu018 (`make liberty`)"
        )
    return dict(sorted(cells.items()))


def run_flow(design: Design, commands: list[str], work: Path) -> str:
    """Run Yosys on a design.

    Raises
    ------
    InputError
        Yosys refuses the design; its own words in one line.
    ToolError
        Yosys is missing or does not end in time.
    """
    try:
        return run_yosys(commands, cwd=work, timeout_s=_TIMEOUT_S)
    except ToolError as error:
        said = re.search(r"^(.*ERROR:.*)$", str(error), re.MULTILINE)
        if said is None:
            raise
        files = ", ".join(str(file) for file in design.files)
        raise InputError(
            f"{files}: {design.top} cannot be synthesised; Yosys says: {said[1].strip()}"
        ) from error


def _memory_bits(module: dict[str, Any]) -> int:
    return sum(
        int(str(cell["parameters"]["SIZE"]), 2) * int(str(cell["parameters"]["WIDTH"]), 2)
        for cell in module["cells"].values()
        if cell["type"] in ("$mem", "$mem_v2")
    )


def _clocks(module: dict[str, Any], liberty: Liberty) -> dict[str, int]:
    """Input ports that clock flip-flops, straight or through cells with one input, and their nets."""
    clocked = {
        bit
        for cell in module["cells"].values()
        if (pin := liberty.cells[cell["type"]].clock)
        for bit in cell["connections"].get(pin, [])
    }
    before = _one_input(module, liberty)
    ends = list(clocked)
    while ends:
        bit = before.get(ends.pop())
        if bit is not None and bit not in clocked:
            clocked.add(bit)
            ends.append(bit)
    return {
        name: port["bits"][0]
        for name, port in module["ports"].items()
        if port["direction"] == "input" and port["bits"][0] in clocked
    }


def _one_input(module: dict[str, Any], liberty: Liberty) -> dict[Any, Any]:
    """For each net that a cell with one input drives: the net at that input."""
    found = {}
    for cell in module["cells"].values():
        known = liberty.cells[cell["type"]]
        pins = [bits for name, bits in cell["connections"].items() if name not in known.outputs]
        if not known.clock and len(pins) == 1:
            for name in known.outputs:
                for bit in cell["connections"].get(name, []):
                    found[bit] = pins[0][0]
    return found
