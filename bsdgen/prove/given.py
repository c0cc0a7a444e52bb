"""A specification that the user gives: Verilog or RTLIL with ports named as the model's fields."""

import importlib.util
from pathlib import Path

from bsdgen.circuit.aig import AigBuilder, copy_into
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.core.single import is_step_function
from bsdgen.errors import InputError, ToolError
from bsdgen.spec.graph import CARE, Specification
from bsdgen.spec.step import instruction_cells
from bsdgen.traces.schema import Field, Schema


def read_specification(file: Path, schema: Schema, top: str = "") -> Specification:
    """Read a combinational module as what a model must be.

    Parameters
    ----------
    file : Verilog, SystemVerilog (``.sv``) or RTLIL (``.il``). Its ports are the schema's fields; an output
        ``<field>_care`` of the same width says where a field means something, without it all its bits do.
    top : its module; "": the one that no other uses.

    Raises
    ------
    InputError
        The file cannot be read, has state, or has other ports.
    ToolError
        Yosys is missing.
    """
    if not file.is_file():
        raise InputError(f"{file}: is missing; give Verilog or RTLIL with --spec")
    if importlib.util.find_spec("pyosys") is None:
        raise ToolError("Yosys is missing: the Python package pyosys; install it with `pip install pyosys`")
    try:
        net = read_netlist([file], top, merge=True)
    except (ToolError, InputError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(
            f"{file}: cannot be a specification ({reason}); expected a combinational module with the ports "
            f"{', '.join(field.name for field in schema.fields)}"
        ) from error
    has = {name.partition("[")[0] for name in net.outputs}
    with_care = [field for field in schema.outputs if field.name + CARE in has]
    cares = tuple(Field(field.name + CARE, field.width, "out") for field in with_care)
    try:
        joint = order_by_schema(net, Schema((*schema.inputs, *schema.outputs, *cares)))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    n = schema.n_outputs
    builder = AigBuilder(schema.n_inputs)
    variables = [2 * (1 + v) for v in range(schema.n_inputs)]
    literals = copy_into(builder, joint, variables)
    care, at = [], n
    for field in schema.outputs:
        if field in with_care:
            care += literals[at : at + field.width]
            at += field.width
        else:
            care += [1] * field.width
    cells = instruction_cells() if is_step_function(schema) else ()
    return Specification(file.name, schema, builder.build(literals[:n]), builder.build(care), cells)
