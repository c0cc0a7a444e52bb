import numpy as np
import pytest

from bsdgen.bench import obdd
from bsdgen.bench.baseline import (
    ORDERS,
    OneBit,
    Order,
    bit_case,
    demo_case,
    obdd_row,
    order_of,
    prove_bit,
    run_baseline,
)
from bsdgen.bench.obdd import ObddConfig, canonical_nodes, learn_obdd
from bsdgen.bench.specification import demo_specification
from bsdgen.bench.words import DemoOracle, demo_schema
from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.errors import UsageError
from bsdgen.isa.step import step_packed
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import RVFI_SCHEMA

SMALL = ObddConfig(n_bank=1024, n_check=1 << 16, time_limit_s=60)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("number", [0, 5, 7, 13])
def test_what_is_learned_is_the_canonical_diagram(number: int, order: Order) -> None:
    variables = order_of(order, demo_schema(8), seed=2)
    found = learn_obdd(DemoOracle(number, 8), variables, SMALL)
    specification = demo_specification(number, 8)
    assert found.bsd is not None and not found.reason and found.queries > 1000
    assert found.bsd.n_nodes == canonical_nodes(specification, variables, 50_000, 60)
    rows = np.random.default_rng(0).integers(0, 1 << 26, (5000, 1), np.uint64)
    assert (found.bsd.evaluate(rows) == specification.evaluate(rows)).all()


def test_the_order_is_kept() -> None:
    """No path tests a later variable before an earlier one."""
    variables = order_of("random", demo_schema(8), seed=1)
    position = {2 * (v + 1): at for at, v in enumerate(variables)}
    bsd = learn_obdd(DemoOracle(1, 8), variables, SMALL).bsd
    assert bsd is not None
    first = 1 + bsd.n_inputs
    for _, guard, low, high in bsd.nodes():
        assert guard in position
        for child in (low, high):
            below = int(bsd.guard[(child >> 1) - first]) if child >> 1 >= first else child & ~1
            assert below == 0 or position[below] > position[guard]


def test_budgets_end_it() -> None:
    oracle, variables = DemoOracle(1, 32), order_of("natural", demo_schema(32))
    for config in (ObddConfig(1024, 1024, 1 << 12, 300, 60.0), ObddConfig(0, 1024, 1 << 12, 10**6, 0.05)):
        found = learn_obdd(oracle, variables, config)
        assert found.bsd is None and found.reason
    assert canonical_nodes(demo_specification(1, 32), variables, 2000, 60) is None
    with pytest.raises(ValueError, match="each of the 74 variables once"):
        learn_obdd(oracle, variables[1:], SMALL)


def test_one_operation_does_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDD asks nobody while it multiplies nodes; within the time limit of a run that is many gigabytes."""
    pytest.importorskip("dd.cudd")
    monkeypatch.setattr(obdd, "_CUDD_BYTES", 1 << 26)
    specification, variables = demo_specification(7, 32), list(range(74))
    assert canonical_nodes(specification, variables, 1 << 30, 600) is None


def test_recorded_rows_are_looked_at() -> None:
    """A row that random ones do not meet: all 32 bits of both words alike and set."""

    class Rare:
        n_inputs, n_outputs = 40, 1

        def query(self, inputs: U64) -> tuple[U64, U64]:
            hit = (inputs == np.uint64(0x5A5A5A5A5A)).astype(np.uint64)
            return hit, np.ones_like(hit)

    blind = learn_obdd(Rare(), list(range(40)), SMALL)
    told = learn_obdd(Rare(), list(range(40)), SMALL, np.array([[0x5A5A5A5A5A]], np.uint64))
    assert blind.bsd is not None and blind.bsd.n_nodes == 0
    assert told.bsd is not None and told.bsd.n_nodes == 39


def test_one_bit_is_that_bit() -> None:
    rows = np.random.default_rng(0).integers(0, 1 << 32, (500, 3), np.uint64)
    outputs, care = step_packed(rows)
    for name, word, shift in (("rs1_addr[0]", 0, 0), ("trap", 2, 23)):
        position = RVFI_SCHEMA.output_names().index(name)
        assert position == 64 * word + shift
        said, cared = OneBit(position).query(rows)
        assert (said[:, 0] == outputs[:, word] >> np.uint64(shift) & np.uint64(1)).all()
        assert (cared[:, 0] == care[:, word] >> np.uint64(shift) & np.uint64(1)).all()


def test_a_bit_is_proved_and_a_wrong_one_disproved() -> None:
    position = RVFI_SCHEMA.n_outputs - 1
    right = step_specification().values.cone([position])
    assert prove_bit(position, right).equal
    wrong = Aig(right.n_inputs, right.fanin0, right.fanin1, right.outputs ^ 1)
    assert not prove_bit(position, wrong).equal
    with pytest.raises(UsageError, match="no output bit 'insn'"):
        bit_case("insn", np.zeros((0, 3), np.uint64))


def test_a_row_says_what_became_of_it() -> None:
    good = obdd_row(demo_case(1, 8), "interleaved", SMALL)
    assert good.proved and good.nodes == good.canonical and not good.errors and good.checked
    bad = obdd_row(demo_case(1, 32), "natural", ObddConfig(0, 1024, 1 << 12, 300, 60.0))
    assert bad.proved is None and bad.nodes is None and bad.canonical is None and "300 nodes" in bad.reason


@pytest.mark.slow
def test_both_learners_run_on_each_function() -> None:
    result = run_baseline([demo_case(7, 8)], ("interleaved",), time_limit_s=60)
    (row,) = result.rows
    assert row.ours.learned and row.ours.proved
    assert [one.order for one in row.obdds] == ["interleaved"] and row.obdds[0].proved
