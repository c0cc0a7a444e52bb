"""The main job's claim: what is learned from recorded programs is the RV32I step function, proved."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bsdgen.circuit.aig import Aig, AigBuilder, aig_from_bsd, copy_into
from bsdgen.circuit.equivalence import prove_equivalent
from bsdgen.isa.recorder import record
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.oracle.checked import CheckedOracle
from bsdgen.oracle.resolve import resolve_oracle
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

sys.path.insert(0, str(Path(__file__).parent / "core"))
from standin import rv32i_bsd

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


def outputs() -> dict[str, range]:
    found, first = {}, 0
    for field in RVFI_SCHEMA.outputs:
        found[field.name] = range(first, first + field.width)
        first += field.width
    return found


def any_of(builder: AigBuilder, literals: list[int]) -> int:
    result = 0
    for literal in literals:
        result = builder.or_(result, literal)
    return result


def cared_only(learned: Aig, written: Aig) -> tuple[Aig, Aig]:
    """Both functions, each output forced to 0 where the written one says that it means nothing."""
    builder = AigBuilder(RVFI_SCHEMA.n_inputs)
    variables = [2 * (v + 1) for v in range(RVFI_SCHEMA.n_inputs)]
    ours, theirs = copy_into(builder, learned, variables), copy_into(builder, written, variables)
    at = outputs()
    care = [1] * RVFI_SCHEMA.n_outputs
    writes = any_of(builder, [theirs[o] for o in at["rd_addr"]])
    accesses = any_of(builder, [theirs[o] for o in [*at["mem_rmask"], *at["mem_wmask"]]])
    for o in at["rd_wdata"]:
        care[o] = writes
    for o in at["pc_wdata"]:
        care[o] = theirs[at["trap"][0]] ^ 1
    for o in at["mem_addr"]:
        care[o] = accesses
    for bit, o in enumerate(at["mem_wdata"]):
        care[o] = theirs[at["mem_wmask"][bit // 8]]
    # every bit of the source register addresses is compared, although not every instruction cares
    pairs = [[builder.and_(care[o], side[o]) for o in range(len(care))] for side in (ours, theirs)]
    return builder.build(pairs[0]), builder.build(pairs[1])


@pytest.mark.slow
def test_learned_from_programs_is_proved_equal_to_a_hand_written_step(learner: BsdLearner) -> None:
    ours, theirs = cared_only(aig_from_bsd(learner.bsd_), aig_from_bsd(rv32i_bsd()))
    result = prove_equivalent(ours, theirs)
    assert result.equal and set(result.engines) == {"abc", "sat"}


@pytest.mark.slow
def test_a_wrong_gate_is_disproved(learner: BsdLearner) -> None:
    """The proof can fail: one inverted fanin near the end of the learned netlist."""
    aig = aig_from_bsd(learner.bsd_)
    fanin = aig.fanin0.copy()
    fanin[-1] ^= 1
    broken = Aig(aig.n_inputs, fanin, aig.fanin1, aig.outputs)
    ours, theirs = cared_only(broken, aig_from_bsd(rv32i_bsd()))
    result = prove_equivalent(ours, theirs)
    assert not result.equal
    assert result.inputs is not None


@pytest.mark.slow
def test_size_stays_in_its_range(learner: BsdLearner) -> None:
    """Not a bar: an alarm for a learner that lost one of its ideas."""
    assert learner.bsd_.n_nodes < 8_000
    assert learner.stats_.n_guards >= 1
    assert np.all(learner.ledger_["ledger_output"] < RVFI_SCHEMA.n_outputs)
