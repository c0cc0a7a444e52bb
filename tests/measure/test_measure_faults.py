"""Whether vectors find what is wrong: faults in the specification, which was written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from bsdgen.circuit.aig import Aig, bsd_from_aig
from bsdgen.errors import ToolError
from bsdgen.measure import measure
from bsdgen.measure.counts import Counts
from bsdgen.measure.rv32i_kernel import CompiledTask
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.prove import prove_step
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import RVFI_SCHEMA

N_FAULTS = 60
VECTORS = 1 << 18


@pytest.fixture(scope="module")
def written() -> Aig:
    return step_specification("rv32i").values


def model_of(aig: Aig) -> Model:
    return Model(bsd_from_aig(aig), RVFI_SCHEMA, {})


def test_what_was_written_by_hand_has_no_error_in_any_cell(written: Aig) -> None:
    """Two writings of the manual, in Amaranth and in Python, that share nothing."""
    result = measure(model_of(written), SimulatorOracle(), vectors=1 << 20, seed=3)
    assert (result.vectors, result.errors) == (1 << 20, 0)
    assert result.strata_errors == {}


def fault(rng: np.random.Generator, aig: Aig) -> Aig:
    """One fanin of one gate inverted, or stuck at 0 or 1."""
    which = ("fanin0", "fanin1")[rng.integers(2)]
    fanin = getattr(aig, which).copy()
    gate, kind = rng.integers(aig.n_ands), rng.integers(3)
    fanin[gate] = fanin[gate] ^ 1 if kind == 2 else kind
    return replace(aig, **{which: fanin})


def test_every_fault_is_found_or_proved_to_be_none(written: Aig) -> None:
    rng = np.random.default_rng(1)
    missed = []
    for _ in range(N_FAULTS):
        broken = fault(rng, written)
        if not measure(model_of(broken), SimulatorOracle(), vectors=1 << 13).errors and (
            not measure(model_of(broken), SimulatorOracle(), vectors=VECTORS).errors
        ):
            missed.append(broken)
    assert len(missed) < N_FAULTS / 10
    for broken in missed:
        assert prove_step(None, False, broken).equal


@pytest.mark.parametrize("base", ["rv32i", "rv32e"])
def test_the_written_rv32e_is_not_rv32i(base: str) -> None:
    """The reference of the compiled loop is the one that was asked for."""
    model = model_of(step_specification("rv32e").values)
    result = measure(model, SimulatorOracle(base), vectors=1 << 16)  # type: ignore[arg-type]
    assert (result.errors == 0) == (base == "rv32e")


def test_threads_may_share_a_task(written: Aig) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from bsdgen.measure.code import compile_diagram
    from bsdgen.measure.rv32i_draw import stream_base

    code = compile_diagram(bsd_from_aig(fault(np.random.default_rng(1), written)))
    task = CompiledTask(code, SimulatorOracle(), stream_base(0))
    ranges = [(k << 14, (k + 1) << 14) for k in range(8)]
    with ThreadPoolExecutor(4) as executor:
        parts = list(executor.map(lambda part: task.run(*part), ranges))
    whole = task.run(0, 8 << 14)
    together = sum(parts[1:], parts[0])
    assert whole.errors.sum() > 0
    assert whole.same(together)


@pytest.mark.parametrize("stale", ["draw_runs", "cell_of", "step"])
def test_a_stale_loop_is_noticed(monkeypatch: pytest.MonkeyPatch, written: Aig, stale: str) -> None:
    """A loop that has another draw, other cells or another reference compiled in than there are now."""
    run = CompiledTask.run

    def other(self: CompiledTask, first: int, last: int) -> Counts:
        found = run(self, first, last)
        match stale:
            case "draw_runs":
                return run(self, first + 1, last + 1)
            case "cell_of":
                return replace(found, n=np.roll(found.n, 1))
            case _:
                return replace(found, errors=found.errors + (found.n > 100))

    monkeypatch.setattr(CompiledTask, "run", other)
    with pytest.raises(ToolError, match="older than bsdgen's sources"):
        measure(model_of(written), SimulatorOracle(), vectors=10)
