"""The system after synthesis for a part, in Verilator, and what differs from the system before it.

What is synthesised is the system by itself: without the board's pins, the divided clock and the reset after
power-up, and with the fast line of a simulation. All of it is the part's cells, with the models that Yosys
brings, for the iCE40 the block RAM that holds the program too. Yosys has no model of the ECP5's block RAM:
there the memory stays the module that it is before synthesis. Placing, routing and packing come later.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bsdgen.artifacts import write_text
from bsdgen.circuit.tools import run_yosys, yosys_share
from bsdgen.cosim.verilator import compile_simulator
from bsdgen.emit.parts import model_name
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import ToolError
from bsdgen.isa.program import Program
from bsdgen.model import Model
from bsdgen.soc.boards import Board
from bsdgen.soc.image import memory_words, readmemh_text
from bsdgen.soc.simulator import CLOCKS_PER_BIT, Ran, find_gateware, system_text

_TIMEOUT_S = 900
_MODELS = {
    "ecp5": ("cells_sim.v", "common_sim.vh", "ccu2c_sim.vh", "cells_ff.vh", "cells_io.vh"),
    "ice40": ("cells_sim.v",),
}
_WITH_RAM = ("ice40",)  # families of whose block RAM there is a model
_IMAGE = "image.hex"
_NOT_COMPARED = ("wall_s", "interrupted")
# Verilator takes the default values of input ports in ice40/cells_sim.v for what they always are.
_FLAGS = ("-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--x-assign", "fast", "--x-initial", "fast")
_MAKE = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # for one short program


def synthesised_simulator(
    model: Model,
    folder: Path,
    board: Board,
    shell: str,
    program: Program,
    target: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> Path:
    """Build the simulator of a board's netlist as `target`, and leave the netlist beside it as ``netlist.v``.

    Parameters
    ----------
    program : that memory holds, where that is synthesised too; else it comes as the simulator starts.

    Raises
    ------
    InputError
        The model cannot be a core, or the program does not fit.
    ToolError
        A tool is missing or fails.
    """
    name, gateware = model_name(folder), find_gateware()
    share = yosys_share() / board.family
    whole = board.family in _WITH_RAM
    missing = [item for item in _MODELS[board.family] if not (share / item).is_file()]
    if missing:
        raise ToolError(f"{share / missing[0]}: is missing; this pyosys is not known to bsdgen, install 0.70")
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        work = Path(temporary)
        shutil.copyfile(gateware / "ram.v", work / "ram.v")
        write_text(work / _IMAGE, readmemh_text(memory_words(program, board.ram_bytes)))
        n_words = board.ram_bytes // 4
        text = system_text(model, name, shell, n_words, CLOCKS_PER_BIT, _IMAGE if whole else "")
        write_text(work / "soc.v", text)
        write_text(work / "step.v", verilog_text(model, name))
        progress("synthesis for simulation (Yosys)")
        script = [
            "read_verilog ram.v" if whole else "read_verilog -lib ram.v",
            "read_verilog soc.v step.v",
            f"synth_{board.family} -top {name}_soc",
        ]
        run_yosys([*script, "write_verilog -noattr netlist.v"], cwd=work, timeout_s=_TIMEOUT_S)
        progress("building its simulator (Verilator)")
        (work / "build").mkdir()
        sources = [work / "netlist.v", gateware / "soc.cpp", *([] if whole else [work / "ram.v"])]
        sources += [share / item for item in _MODELS[board.family]]
        made = compile_simulator(sources, f"{name}_soc", _FLAGS, _MAKE, work / "build")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(work / "netlist.v", target.parent / "netlist.v")
        shutil.copy(made, target)
    return target


def differences(netlist: Ran, printed: bytes, before: Ran, printed_before: bytes) -> list[str]:
    """What a program did otherwise on the netlist than on the system before synthesis, cycle counts included.

    >>> ran = Ran(True, 0, False, 10, 9, 0, 1, 0x80000000, 0, 0, 0.1)
    >>> differences(ran, b"a", ran, b"a")
    []
    >>> differences(ran, b"a", ran, b"b")
    ["printed b'a', expected b'b', at byte 0"]
    """
    found = [
        f"{name} is {getattr(netlist, name)}, expected {getattr(before, name)}"
        for name in Ran.__struct_fields__
        if name not in _NOT_COMPARED and getattr(netlist, name) != getattr(before, name)
    ]
    if printed != printed_before:
        at = next(
            (i for i, (a, b) in enumerate(zip(printed, printed_before, strict=False)) if a != b),
            min(len(printed), len(printed_before)),
        )
        shown = slice(max(0, at - 8), at + 8)
        found.append(f"printed {printed[shown]!r}, expected {printed_before[shown]!r}, at byte {at}")
    return found
