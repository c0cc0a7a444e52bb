"""Models to prove, made without a learner."""

from pathlib import Path

import numpy as np

from bsdgen.circuit import Aig, bsd_from_aig
from bsdgen.circuit.aiger import write_aiger
from bsdgen.core import write_core
from bsdgen.emit import emit
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA


def step_model(aig: Aig, oracle: str = "simulator:rv32i") -> Model:
    return Model(bsd_from_aig(aig), RVFI_SCHEMA, {"oracle": oracle})


def write_all(model: Model, folder: Path) -> Path:
    """A model's folder with all that `bsdgen emit` writes, nothing optimised and nothing checked."""
    model.save(folder)
    emit(model, folder, ["verilog"], check=False)
    write_core(model, folder)
    names = model.schema.input_names(), model.schema.output_names()
    aig = Aig(model.bsd.n_inputs, model.bsd.guard, model.bsd.high, model.bsd.roots)
    assert not np.any(model.bsd.low)  # every node is an AND
    write_aiger(folder / "circuit.aig", aig, *names)
    return folder
