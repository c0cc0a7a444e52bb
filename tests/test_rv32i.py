"""The main job's claim: what is learned from recorded programs is the RV32I step function, proved."""

from pathlib import Path

import numpy as np
import pytest

from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.isa.recorder import record
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.oracle.checked import CheckedOracle
from bsdgen.oracle.resolve import resolve_oracle
from bsdgen.prove.run import prove_step
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

PROGRAMS = sorted((Path(__file__).parents[1] / "sim" / "programs").glob("*.elf"))


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> BsdLearner:
    folder = tmp_path_factory.mktemp("traces")
    for elf in PROGRAMS:
        record(elf, folder, max_steps=1_000_000)
    traces = read_traces([folder])
    assert traces.n_contradictions == 0
    oracle = CheckedOracle(resolve_oracle(traces.oracle, traces.schema))
    return BsdLearner(LearnConfig(seed=0)).fit(oracle, traces.inputs)


@pytest.mark.slow
def test_learned_from_programs_is_proved_equal_to_the_specification(learner: BsdLearner) -> None:
    result = prove_step(None, False, aig_from_bsd(learner.bsd_))
    assert result.equal and set(result.engines) == {"abc", "sat"}


@pytest.mark.slow
def test_a_wrong_gate_is_disproved(learner: BsdLearner) -> None:
    """The proof can fail: one inverted fanin near the end of the learned netlist."""
    aig = aig_from_bsd(learner.bsd_)
    fanin = aig.fanin0.copy()
    fanin[-1] ^= 1
    broken = Aig(aig.n_inputs, fanin, aig.fanin1, aig.outputs)
    result = prove_step(None, False, broken)
    assert not result.equal
    assert result.inputs is not None


@pytest.mark.slow
def test_size_stays_in_its_range(learner: BsdLearner) -> None:
    """Not a bar: an alarm for a learner that lost one of its ideas."""
    assert learner.bsd_.n_nodes < 8_000
    assert learner.stats_.n_guards >= 1
    assert np.all(learner.ledger_["ledger_output"] < RVFI_SCHEMA.n_outputs)
