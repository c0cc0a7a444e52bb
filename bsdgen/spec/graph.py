"""A specification as graphs: what each output bit must be, and where that means something."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.aiger import aiger_bytes
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.spec.cells import Cell
from bsdgen.traces.schema import Field, Schema

CARE = "_care"
"""What the name of an output's care mask ends with."""


@dataclass(frozen=True, eq=False)
class Specification:
    """What is to be proved.

    Attributes
    ----------
    name : for messages.
    schema : fields.
    values : what each output bit must be, over the inputs of `schema`.
    care : output by output, where that bit means something.
    cells : instructions, and a cell for the words that are none; empty: there are none.
    whole : the inputs for which anything is specified; None: all.
    given : whether a user gave it: it says nothing of a core then.
    """

    name: str
    schema: Schema
    values: Aig
    care: Aig
    cells: tuple[Cell, ...] = ()
    whole: Cell = field(default_factory=lambda: Cell("all"))
    given: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of all that a proof depends on: two specifications may have one name."""
        parts = [self.name, self.schema.fields, self.cells, self.whole]
        return hashlib.sha256(repr(parts).encode() + aiger_bytes(self.joint())).hexdigest()

    def joint(self) -> Aig:
        """Values, then care, as one graph."""
        builder = AigBuilder(self.schema.n_inputs)
        variables = list(range(2, 2 * (1 + self.schema.n_inputs), 2))
        outputs = copy_into(builder, self.values, variables) + copy_into(builder, self.care, variables)
        return builder.build(outputs)


def with_care(schema: Schema) -> Schema:
    """The schema with an output ``<name>_care`` more for each output.

    >>> from bsdgen.traces.schema import Field
    >>> [f.name for f in with_care(Schema((Field("a", 1, "in"), Field("y", 2, "out")))).fields]
    ['a', 'y', 'y_care']
    """
    more = [Field(field.name + CARE, field.width, "out") for field in schema.outputs]
    return Schema((*schema.inputs, *schema.outputs, *more))


def split_care(schema: Schema, joint: Aig) -> tuple[Aig, Aig]:
    """Values and care of a graph over `with_care` of the schema."""
    n = schema.n_outputs
    return joint.cone(range(n)), joint.cone(range(n, 2 * n))


def graph_of(schema: Schema, describe: Callable[[Any, dict[str, Any]], None]) -> Aig:
    """Elaborate a combinational Amaranth module.

    Parameters
    ----------
    schema : its fields become signals.
    describe : adds statements to a module, given all signals by name.

    Returns
    -------
    The graph, inputs and outputs in the order of `schema`.
    """
    from amaranth.back import rtlil
    from amaranth.hdl import Module, Signal

    module = Module()
    signals = {field.name: Signal(field.width, name=field.name) for field in schema.fields}
    describe(module, signals)
    text = rtlil.convert(module, name="top", ports=list(signals.values()))
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        file = Path(name) / "top.il"
        file.write_text(text, encoding="utf-8")
        return order_by_schema(read_netlist([file], "top", merge=True), schema)
