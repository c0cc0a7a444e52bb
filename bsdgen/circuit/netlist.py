"""A Verilog or RTLIL netlist as a graph, through Yosys."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.aiger import NamedAig, read_aiger
from bsdgen.circuit.tools import run_yosys
from bsdgen.errors import InputError
from bsdgen.traces.schema import Schema

_TO_ANDS = ("proc", "flatten", "opt_clean", "techmap", "aigmap", "opt_clean")


def read_netlist(files: Sequence[Path], top: str) -> NamedAig:
    """Flatten a combinational module and map it to ANDs.

    Parameters
    ----------
    files : Verilog files (RTLIL if they end in ``.il``).
    top : name of the module.

    Raises
    ------
    InputError
        A file is missing, or the module has state.
    ToolError
        Yosys is missing or refuses the files.
    """
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: is missing; write it with `bsdgen emit`")
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        work = Path(name)
        read = [
            f"{'read_rtlil' if file.suffix == '.il' else 'read_verilog'} {file.resolve()}" for file in files
        ]
        run_yosys(
            [*read, f"hierarchy -check -top {top}", *_TO_ANDS, "write_aiger -symbols net.aig"],
            cwd=work,
        )
        return read_aiger(work / "net.aig")


def order_by_schema(net: NamedAig, schema: Schema) -> Aig:
    """The same graph with inputs and outputs in the packing order of `schema`.

    Inputs that the netlist lacks are free; outputs that it lacks are an error.

    Raises
    ------
    InputError
        A port is missing or unknown.
    """
    position = {name: i for i, name in enumerate(schema.input_names())}
    unknown = sorted(set(net.inputs) - set(position))
    if unknown:
        raise InputError(
            f"netlist has inputs that the schema does not: {', '.join(unknown[:5])}; expected its fields"
        )
    builder = AigBuilder(schema.n_inputs)
    literals = copy_into(builder, net.aig, [2 * (1 + position[name]) for name in net.inputs])
    made = dict(zip(net.outputs, literals, strict=True))
    missing = [name for name in schema.output_names() if name not in made]
    if missing:
        raise InputError(
            f"netlist lacks the outputs {', '.join(missing[:5])}; expected all of the schema's fields"
        )
    return builder.build([made[name] for name in schema.output_names()])
