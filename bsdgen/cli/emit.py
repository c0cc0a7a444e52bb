"""``bsdgen emit``: a model as hardware sources."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bsdgen.cli.console import Output
from bsdgen.cli.options import ModelFolder
from bsdgen.errors import InputError, UsageError

if TYPE_CHECKING:
    from bsdgen.emit import EmitOptions
    from bsdgen.model import Model


_MOST_ANDS = 10_000  # that are optimised unasked: seconds at 4,000, and no end within ten minutes at 50,000


class Format(StrEnum):
    """What can be written."""

    VERILOG = "verilog"
    AMARANTH = "amaranth"
    STRUCTURAL = "structural"
    RTLIL = "rtlil"
    BLIF = "blif"
    AIGER = "aiger"
    PLA = "pla"
    DOT = "dot"
    FUSESOC = "fusesoc"
    ALL = "all"


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
            metavar="|".join(Format),
            help="What to write; may be given more than once (default: verilog and amaranth).",
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
    pla_inputs: Annotated[
        int,
        typer.Option(
            "--pla-inputs", metavar="N", help="pla: output bits that depend on at most N inputs, 1 to 14."
        ),
    ] = 10,
    dot_output: Annotated[
        list[str] | None,
        typer.Option(
            "--dot-output",
            metavar="NAME",
            help="dot: draw this field or bit; may be given more than once (default: all).",
        ),
    ] = None,
    dot_nodes: Annotated[
        int,
        typer.Option(
            "--dot-nodes",
            metavar="N",
            help="dot: of a larger diagram, the N nodes nearest to the outputs (0: all).",
        ),
    ] = 4_000,
    rounds: Annotated[
        int | None,
        typer.Option(
            "--rounds",
            metavar="N",
            min=0,
            help=f"Rounds of optimisation of circuit.aig (default: 2, of over {_MOST_ANDS:,} AND nodes 0).",
        ),
    ] = None,
) -> None:
    """Write a learned model as hardware, each netlist proved equal to the diagram.

    Sources of the learned logic in each format, with its ports and bit order in ABI.md beside them; with
    verilog the core around it, if the model is an RV32I step function; and circuit.aig, the logic as an
    optimised and-inverter graph. structural is Verilog with the shared functions as modules. Of the cores,
    single does an instruction a cycle (verilog/<name>_core.v), fpga has a bus with wait states and registers
    for block RAM (verilog/<name>_fpga.v), wishbone is that with Wishbone B4 ports
    (verilog/<name>_wishbone.v). A core that an earlier model left there is written anew with verilog.
    """
    from bsdgen.artifacts import locked
    from bsdgen.circuit.aig import aig_from_bsd
    from bsdgen.circuit.aiger import write_aiger
    from bsdgen.circuit.equivalence import comment_of
    from bsdgen.circuit.optimise import optimise
    from bsdgen.emit import DEFAULT_FORMATS, FORMATS, EmitOptions
    from bsdgen.model import Model

    options = EmitOptions(pla_inputs, tuple(dot_output or ()), dot_nodes)
    chosen = list(dict.fromkeys(formats or [Format(item) for item in DEFAULT_FORMATS]))
    names: list[str] = list(FORMATS) if Format.ALL in chosen else [item.value for item in chosen]
    if shells and "verilog" not in names:
        raise UsageError("--shell instantiates the modules of --format verilog; ask for that too")
    out.held.enter_context(locked(model))
    loaded = Model.load(model)
    cores = _cores(loaded, model, [item.value for item in shells or ()], names, out)
    options = replace(options, core=cores.get("single", ""))
    files = _write(loaded, model, names, options, skip=formats is None or Format.ALL in chosen, out=out)
    if "verilog" in names:
        files += _place_cores(loaded, model, cores, out)
    with out.progress("optimising the circuit"):
        circuit = aig_from_bsd(loaded.bsd)
        if rounds is None:
            rounds = 2 if circuit.n_ands <= _MOST_ANDS else 0
            if not rounds:
                out.note(
                    f"circuit.aig: its {circuit.n_ands:,} AND nodes are not optimised, which takes minutes "
                    f"above {_MOST_ANDS:,}; --rounds 2 does it"
                )
        circuit = optimise(circuit, rounds)
        files.append(model / "circuit.aig")
        bits = loaded.schema.input_names(), loaded.schema.output_names()
        write_aiger(files[-1], circuit, *bits, comment_of(loaded.digest))
    facts = {
        "files": [str(file) for file in files],
        "circuit": {"ands": circuit.n_ands, "depth": circuit.depth},
    }
    size = f"{circuit.n_ands:,} AND nodes, depth {circuit.depth:,}"
    out.result(facts, "\n".join([*map(str, files), size]))


def _cores(model: "Model", folder: Path, asked: list[str], names: list[str], out: Output) -> dict[str, str]:
    """Verilog of the cores, by shell, made before anything is written, so that nothing is if one cannot be.

    Besides those asked for, or else `single`, the ones that an earlier model left in the folder: they would
    not fit the new step function. One that nobody asked for and that cannot be made is told and left out.
    """
    from bsdgen.core.shells import shell_texts, stale_shells
    from bsdgen.core.single import is_step_function

    texts = shell_texts(model, folder, asked)
    if not is_step_function(model.schema):
        return texts
    more = [] if asked or not {"verilog", "fusesoc"} & set(names) else ["single"]
    more += stale_shells(model, folder) if "verilog" in names else []
    for shell in dict.fromkeys(more):
        if shell not in texts:
            try:
                texts |= shell_texts(model, folder, [shell])
            except InputError as error:
                out.note(f"no core {shell}: {error}")
    return texts


def _place_cores(model: "Model", folder: Path, cores: dict[str, str], out: Output) -> list[Path]:
    """Write the cores, and remove those of an earlier model that this one cannot have."""
    from bsdgen.core.shells import place_shells, remove_shells, stale_shells

    files = place_shells(folder, cores)
    for file in remove_shells(folder, stale_shells(model, folder)):
        out.note(f"{file}: was removed, it was the core of another model")
    return files


def _write(
    model: "Model", folder: Path, names: list[str], options: "EmitOptions", *, skip: bool, out: Output
) -> list[Path]:
    """All formats; with `skip`, formats that cannot hold this model are left out and told of."""
    from bsdgen.emit import emit as write
    from bsdgen.errors import UnsuitableError

    files: list[Path] = []
    with out.progress(f"writing {', '.join(names)}") as progress:
        for done, name in enumerate(names):
            progress(done, len(names))
            try:
                files += write(model, folder, [name], options=options)
            except UnsuitableError as error:
                if not skip:
                    raise
                out.note(str(error))
        progress(len(names), len(names))
    return files
