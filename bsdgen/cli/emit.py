"""``bsdgen emit``: a model as hardware sources."""

from enum import StrEnum
from typing import Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder


class Format(StrEnum):
    """What can be written."""

    VERILOG = "verilog"
    AMARANTH = "amaranth"


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
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=0, help="Rounds of optimisation of circuit.aig.")
    ] = 2,
) -> None:
    """Write a learned model as hardware, each netlist proved equal to the diagram.

    Verilog and Amaranth sources of the learned logic; the core around it, if the model is an RV32I step
    function; and circuit.aig, the logic as an optimised and-inverter graph.
    """
    from bsdgen.artifacts import locked
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import write_aiger
    from bsdgen.circuit.optimise import optimise
    from bsdgen.core.single import is_step_function, write_core
    from bsdgen.emit import emit as write
    from bsdgen.model import Model

    chosen = [item.value for item in (formats or list(Format))]
    out.held.enter_context(locked(model))
    loaded = Model.load(model)
    with out.progress(f"writing {' and '.join(chosen)}") as progress:
        files = write(loaded, model, chosen, progress=progress)
        if "verilog" in chosen and is_step_function(loaded.schema):
            files.append(write_core(loaded, model))
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
