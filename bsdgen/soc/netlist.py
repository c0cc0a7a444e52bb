"""The system after synthesis for a part, in Verilator: its cells simulated, its memory a program's.

What is synthesised is the system without the board's pins and clock. The memory stays a module, as what it
holds comes with the program; all else is the part's cells, with the models that Yosys brings.
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
from bsdgen.model import Model
from bsdgen.soc.boards import Board
from bsdgen.soc.simulator import CLOCKS_PER_BIT, find_gateware, system_text

_TIMEOUT_S = 900
_MODELS = {
    "ecp5": ("cells_sim.v", "common_sim.vh", "ccu2c_sim.vh", "cells_ff.vh", "cells_io.vh"),
    "ice40": ("cells_sim.v",),
}
# Verilator takes the default values of input ports in ice40/cells_sim.v for what they always are.
_FLAGS = ("-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--x-assign", "fast", "--x-initial", "fast")
_MAKE = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # for one short program


def synthesised_simulator(
    model: Model,
    folder: Path,
    board: Board,
    shell: str,
    target: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> Path:
    """Build the simulator of a board's netlist as `target`, and leave the netlist beside it as ``netlist.v``.

    Raises
    ------
    InputError
        The model cannot be a core.
    ToolError
        A tool is missing or fails.
    """
    name, gateware = model_name(folder), find_gateware()
    share = yosys_share() / board.family
    missing = [item for item in _MODELS[board.family] if not (share / item).is_file()]
    if missing:
        raise ToolError(f"{share / missing[0]}: is missing; this pyosys is not known to bsdgen, install 0.70")
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as temporary:
        work = Path(temporary)
        shutil.copyfile(gateware / "ram.v", work / "ram.v")
        write_text(work / "soc.v", system_text(model, name, shell, board.ram_bytes // 4, CLOCKS_PER_BIT))
        write_text(work / "step.v", verilog_text(model, name))
        progress("synthesis for simulation (Yosys)")
        script = [
            "read_verilog -lib ram.v",
            "read_verilog soc.v step.v",
            f"synth_{board.family} -top {name}_soc",
        ]
        run_yosys([*script, "write_verilog -noattr netlist.v"], cwd=work, timeout_s=_TIMEOUT_S)
        progress("building its simulator (Verilator)")
        (work / "build").mkdir()
        sources = [work / "netlist.v", work / "ram.v", gateware / "soc.cpp"]
        sources += [share / item for item in _MODELS[board.family]]
        made = compile_simulator(sources, f"{name}_soc", _FLAGS, _MAKE, work / "build")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(work / "netlist.v", target.parent / "netlist.v")
        shutil.copy(made, target)
    return target
