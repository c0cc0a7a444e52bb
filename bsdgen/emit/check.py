"""An emitted netlist, read back by Yosys, is the diagram."""

from collections.abc import Sequence
from pathlib import Path

from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.equivalence import ENGINES, Engine, Equivalence, prove_equivalent
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.model import Model


def check_netlist(
    model: Model, files: Sequence[Path], top: str, engines: tuple[Engine, ...] = ENGINES
) -> Equivalence:
    """Prove that module `top` of `files` is the model's function, or find where it differs.

    Raises
    ------
    InputError
        A file is missing, has state or other ports than the model's fields.
    ToolError
        Yosys or an engine is missing or fails.
    """
    netlist = order_by_schema(read_netlist(files, top), model.schema)
    return prove_equivalent(aig_from_bsd(model.bsd), netlist, engines)
