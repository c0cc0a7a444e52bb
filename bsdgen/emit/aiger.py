"""The diagram as a binary AIGER file: the graph as it is, not the optimised one of ``circuit.aig``."""

from pathlib import Path

from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import write_aiger
from bsdgen.emit.parts import header, split_parts
from bsdgen.model import Model


def write_diagram(path: Path, model: Model, name: str) -> None:
    """Write the whole file; linear in the nodes.

    Inputs and outputs are in packing order and have the bits' names as symbols; the comment is the header of
    the other formats.

    Parameters
    ----------
    name : what the header calls the model.

    Raises
    ------
    InputError
        A part's name cannot be a module's, or the file cannot be written.
    """
    names = model.schema.input_names(), model.schema.output_names()
    comment = "\n".join(header(model, name, split_parts(model)))
    write_aiger(path, aig_from_bsd(model.bsd), *names, comment)
