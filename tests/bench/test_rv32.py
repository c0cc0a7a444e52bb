from pathlib import Path

import numpy as np
import pytest

from bsdgen.bench.rv32 import care_step, cared_only, prove_step, written_step
from bsdgen.bench.subsets import PARTS, chosen_parts, run_subsets
from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.errors import UsageError
from bsdgen.isa.recorder import record
from bsdgen.learn import LearnConfig
from bsdgen.learn.samples import RowSource
from bsdgen.oracle.simulator import Base, SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.store import read_traces

SORT = Path(__file__).parents[2] / "sim" / "programs" / "sort.elf"
SMALL = LearnConfig(n_bank=1024, n_sensitivity=64, n_check=1 << 15, time_limit_s=120)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> U64:
    folder = tmp_path_factory.mktemp("traces")
    record(SORT, folder, max_steps=1_000_000)
    return read_traces([folder]).inputs


@pytest.mark.parametrize("base", ["rv32i", "rv32e"])
@pytest.mark.parametrize("classes", [None, ("branch", "load"), ("system",)])
def test_written_values_and_care_are_the_oracles(
    rows: U64, base: Base, classes: tuple[str, ...] | None
) -> None:
    mixed = RowSource(RVFI_SCHEMA.n_inputs, rows).mixed(np.random.default_rng(0), 40_000)
    said, care = SimulatorOracle(base, classes).query(mixed)
    assert care.any()
    assert (care_step(classes, base == "rv32e").evaluate(mixed) == care).all()
    assert not ((written_step(base == "rv32e").evaluate(mixed) ^ said) & care).any()


def test_rv32e_is_not_rv32i() -> None:
    assert prove_step(None, True, written_step(True)).equal
    answer = prove_step(None, True, written_step(False))
    assert not answer.equal and answer.inputs is not None
    said, care = SimulatorOracle("rv32e").query(answer.inputs[None])
    other, _ = SimulatorOracle("rv32i").query(answer.inputs[None])
    assert ((said ^ other) & care).any()


def test_a_wrong_gate_matters_inside_its_class_only() -> None:
    """The last output of the written function, inverted for loads alone."""
    right = written_step()
    inside = care_step(("load",)).outputs[-1]  # trap is cared for in all loads: this is the opcode itself
    assert inside != 0
    flip = cared_only(right, ("load",))[1]
    # what is 0 outside of loads is another function than the whole, but not inside
    assert prove_step(("load",), False, flip).equal
    assert not prove_step(None, False, flip).equal
    assert not prove_step(("store",), False, flip).equal


def test_uncared_bits_may_be_anything() -> None:
    right = written_step()
    first, _ = cared_only(right)  # every uncared bit forced to 0
    assert prove_step(None, False, first).equal
    outputs = right.outputs.copy()
    outputs[-1] ^= 1  # trap means something everywhere
    answer = prove_step(None, False, Aig(right.n_inputs, right.fanin0, right.fanin1, outputs))
    assert not answer.equal and answer.output == RVFI_SCHEMA.n_outputs - 1


@pytest.mark.slow
def test_an_opcode_class_is_learned_and_proved(rows: U64) -> None:
    result = run_subsets(rows, ("lui", "system"), config=SMALL, optimise_rounds=0)
    assert result.exact
    lui, system = result.rows
    assert 0 < lui.rows < 5000 and lui.trial.nodes and lui.trial.nodes < 300
    assert system.trial.nodes == 0  # everything there traps
    assert lui.trial.peak_rss_mib < 1500


def test_parts_are_chosen_by_name() -> None:
    assert chosen_parts(None) == PARTS and len(PARTS) == 13
    assert chosen_parts("branch,rv32e") == ("branch", "rv32e")
    with pytest.raises(UsageError, match="there is no 'rv64i'"):
        chosen_parts("rv64i")
