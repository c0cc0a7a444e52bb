"""Models to test with, made without a learner."""

from functools import cache
from pathlib import Path

import numpy as np

from bsdgen.bsd import Bsd
from bsdgen.circuit import Aig, bsd_from_aig
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA

SOURCE = Path(__file__).with_name("rv32i_step.v")


@cache
def written_step() -> Aig:
    """A step function as a person writes it, with one adder and one shifter, over `RVFI_SCHEMA`."""
    return order_by_schema(read_netlist([SOURCE], "rv32i_step"), RVFI_SCHEMA)


@cache
def rv32i_bsd() -> Bsd:
    """A hand-written RV32I step function as a diagram of AND nodes."""
    return bsd_from_aig(written_step())


def rv32i_model() -> Model:
    return Model(rv32i_bsd(), RVFI_SCHEMA, {"oracle": "hand-written", "traces": []})


def random_bsd(
    rng: np.random.Generator, n_inputs: int, n_nodes: int, n_outputs: int, window: int = 10**9
) -> Bsd:
    """Random literals; with a window, a node refers to the last `window` indices only (a deep diagram)."""
    top = 1 + n_inputs + np.arange(n_nodes)
    low = np.maximum(0, top - window)

    def literals() -> np.ndarray:
        return (2 * rng.integers(low, top) + rng.integers(0, 2, n_nodes)).astype(np.int32)

    end = 1 + n_inputs + n_nodes
    roots = rng.integers(2 * max(0, end - max(window, n_outputs)), 2 * end, n_outputs)
    return Bsd(n_inputs, literals(), literals(), literals(), roots.astype(np.int32))
