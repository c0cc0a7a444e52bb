"""``bsdgen emit``: a model as hardware sources."""

from enum import StrEnum
from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import UsageError


class Format(StrEnum):
    """What can be written."""

    VERILOG = "verilog"
    AMARANTH = "amaranth"


class Shell(StrEnum):
    """Cores that can be built around the learned logic."""

    SINGLE = "single"
    FPGA = "fpga"
    WISHBONE = "wishbone"


def emit(
    out: Output,
    model: ModelFolder,
    formats: Annotated[
        list[Format] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="verilog|amaranth",
            help="What to write; may be given more than once (default: all).",
        ),
    ] = None,
    shells: Annotated[
        list[Shell] | None,
        typer.Option(
            "--shell",
            metavar="single|fpga|wishbone",
            help="Core around an RV32I step function; may be given more than once (default: single).",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=0, help="Rounds of optimisation of circuit.aig.")
    ] = 2,
) -> None:
    """Write a learned model as hardware, each netlist proved equal to the diagram.

    Verilog and Amaranth sources of the learned logic; a core around it, if the model is an RV32I step
    function; and circuit.aig, the logic as an optimised and-inverter graph. The cores: single does an
    instruction a cycle (verilog/<name>_core.v), fpga has a bus with wait states and registers for block RAM
    (verilog/<name>_fpga.v), wishbone is that with Wishbone B4 ports (verilog/<name>_wishbone.v).
    """
    from bsdgen.artifacts import locked
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import write_aiger
    from bsdgen.circuit.optimise import optimise
    from bsdgen.core import is_step_function, write_shells
    from bsdgen.emit import emit as write
    from bsdgen.model import Model

    chosen = [item.value for item in (formats or list(Format))]
    if shells and "verilog" not in chosen:
        raise UsageError("--shell instantiates the modules of --format verilog; ask for that too")
    out.held.enter_context(locked(model))
    loaded = Model.load(model)
    with out.progress(f"writing {' and '.join(chosen)}") as progress:
        files = write(loaded, model, chosen, progress=progress)
        if shells or ("verilog" in chosen and is_step_function(loaded.schema)):
            files += write_shells(loaded, model, [item.value for item in (shells or [Shell.SINGLE])])
        progress.stage("optimising the circuit")
        circuit = optimise(aig_from_bsd(loaded.bsd), rounds)
        files.append(model / "circuit.aig")
        names = loaded.schema.input_names(), loaded.schema.output_names()
        write_aiger(files[-1], circuit, *names)
    facts = {
        "files": [str(file) for file in files],
        "circuit": {"ands": circuit.n_ands, "depth": circuit.depth},
    }
    size = f"{circuit.n_ands:,} AND nodes, depth {circuit.depth:,}"
    out.result(facts, "\n".join([*map(str, files), size]))
