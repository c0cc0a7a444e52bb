"""A specification that the user gives: Verilog or RTLIL with ports named as the model's fields."""

import importlib.util
from collections import Counter
from pathlib import Path

from bsdgen.circuit.aig import AigBuilder, copy_into
from bsdgen.circuit.aiger import NamedAig
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.core.single import is_step_function
from bsdgen.errors import InputError, ToolError
from bsdgen.prove.miter import cared_positions
from bsdgen.spec.graph import CARE, Specification
from bsdgen.spec.step import instruction_cells
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema


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
        The file cannot be read, has state or other ports, or says nothing of an output.
    ToolError
        Yosys is missing.
    """
    if is_step_function(schema):
        schema = (
            RVFI_SCHEMA  # its instructions are told apart by the bits of the word, which are the first there
        )
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
    _check_ports(file, net, schema)
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
    cells = instruction_cells() if schema is RVFI_SCHEMA else ()
    made = Specification(
        file.name, schema, builder.build(literals[:n]), builder.build(care), cells, given=True
    )
    _check_care(file, made)
    return made


def _check_ports(file: Path, net: NamedAig, schema: Schema) -> None:
    """Refuse outputs that are none of the fields', and ports of another width."""
    cares = [Field(field.name + CARE, field.width, "out") for field in schema.outputs]
    known = {field.name: field.width for field in (*schema.fields, *cares)}
    widths = Counter(name.partition("[")[0] for name in (*net.inputs, *net.outputs))
    for name, width in widths.items():
        if name not in known and any(bit.partition("[")[0] == name for bit in net.outputs):
            there = ", ".join(field.name for field in schema.outputs)
            raise InputError(
                f"{file}: has an output {name}, expected {there} and <output>{CARE}; rename or remove it"
            )
        if width != known.get(name, width):
            raise InputError(
                f"{file}: {name} has {width} bits, expected {known[name]}, as the model's field has them"
            )


def _check_care(file: Path, specification: Specification) -> None:
    """Refuse a specification that says nothing of an output: it would be proved of any model."""
    live = set(cared_positions(specification, specification.whole, "abc"))
    at = 0
    for field in specification.schema.outputs:
        if not live.intersection(range(at, at + field.width)):
            raise InputError(
                f"{file}: {field.name + CARE} is 0 for every input, so nothing is said of {field.name}; "
                "expected that it means something for some"
            )
        at += field.width
