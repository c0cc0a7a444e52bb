import dataclasses

import numpy as np
import pytest
from small_models import Builder, adder_model, decoder_model

from bsdgen.bits import U64, from_bool, pack_fields, to_bool, unpack_fields
from bsdgen.bsd import Bsd
from bsdgen.errors import OracleError, UsageError
from bsdgen.isa.step import step_packed
from bsdgen.measure import Drawn, Measurement, measure, strata_for
from bsdgen.measure.counts import Counts
from bsdgen.measure.run import missing
from bsdgen.model import Model
from bsdgen.oracle.function import FunctionOracle
from bsdgen.oracle.simulator import Base, SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA


def adder_oracle(model: Model) -> FunctionOracle:
    return FunctionOracle(lambda a, b: {"total": a + b}, model.schema)


def test_right_model_has_no_error() -> None:
    model = adder_model()
    result = measure(model, adder_oracle(model), vectors=50_000)
    assert (result.vectors, result.errors) == (50_000, 0)
    assert sum(item.n for item in result.classes) == 50_000
    assert result.upper == pytest.approx(3.69 / 50_000, rel=0.01)
    assert all(item.first_failure is None for item in result.classes)


def test_wrong_output_is_counted_and_decoded() -> None:
    model = adder_model()
    roots = model.bsd.roots.copy()
    roots[4] = 0  # the carry out is lost
    broken = Model(Bsd(8, model.bsd.guard, model.bsd.low, model.bsd.high, roots), model.schema, {})
    result = measure(broken, adder_oracle(model), vectors=20_000)
    assert 0 < result.errors < 20_000
    assert result.errors_by_output == {"total": result.errors}
    first = next(item.first_failure for item in result.classes if item.first_failure)
    a, b = (int(first["inputs"][name], 16) for name in "ab")
    assert int(first["outputs"]["total"]["oracle"], 16) == a + b
    assert int(first["outputs"]["total"]["model"], 16) == (a + b) & 15
    assert first["outputs"]["total"]["differs"] == "0x10"


class CaresForNothing:
    """The adder with all output bits inverted, none of them cared for."""

    n_inputs, n_outputs = 8, 5

    def query(self, inputs: U64) -> tuple[U64, U64]:
        a, b = unpack_fields(inputs, [4, 4])
        total = ~(a + b) & np.uint64(31)
        return total[:, np.newaxis], np.zeros((inputs.shape[0], 1), np.uint64)


def test_bits_that_mean_nothing_are_not_counted() -> None:
    assert measure(adder_model(), CaresForNothing(), vectors=1000).errors == 0


def test_tasks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsdgen.measure.run.TASK", 1000)
    model, seen = adder_model(), []
    result = measure(
        model, adder_oracle(model), vectors=2500, progress=lambda done, total: seen.append((done, total))
    )
    assert result.vectors == 2500
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500)]
    assert result.drawn == (Drawn(0, 0, 2500),)


def test_the_seed_decides() -> None:
    model = decoder_model()
    first, again, other = (measure(model, SimulatorOracle(), vectors=5000, seed=seed) for seed in (3, 3, 4))
    assert first.classes == again.classes
    assert first.classes != other.classes


def test_instructions_are_told_apart() -> None:
    result = measure(decoder_model(), SimulatorOracle(), vectors=20_000)
    right = {item.name for item in result.classes if item.errors == 0}
    assert right == {"lui", "addi", "add", "ecall", "ebreak", "illegal"}
    sub = next(item for item in result.classes if item.name == "sub")
    assert sub.errors == sub.n > 300
    assert sub.first_failure is not None
    assert sub.first_failure["text"].startswith("sub ")


def test_wrong_oracle_is_refused() -> None:
    with pytest.raises(UsageError, match="8 and 5"):
        measure(adder_model(), SimulatorOracle(), vectors=10)


class WrongShape(CaresForNothing):
    def query(self, inputs: U64) -> tuple[U64, U64]:
        outputs, care = super().query(inputs)
        return outputs[:, 0], care


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(OracleError, match=r"outputs must be uint64 of shape \(10, 1\)"):
        measure(adder_model(), WrongShape(), vectors=10)


class Slow:
    """A simulator that is not known to be one: asked block by block."""

    def __init__(self, inner: SimulatorOracle) -> None:
        self.inner = inner
        self.n_inputs, self.n_outputs = inner.n_inputs, inner.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        return self.inner.query(inputs)


def same(a: Measurement, b: Measurement) -> bool:
    """Whether two results are the same but for the time they took."""
    return dataclasses.replace(a, wall_s=0.0) == dataclasses.replace(b, wall_s=0.0)


@pytest.mark.parametrize(
    ("base", "classes"), [("rv32i", None), ("rv32e", None), ("rv32i", ("load", "op-imm"))]
)
def test_the_compiled_loop_finds_what_asking_finds(base: Base, classes: tuple[str, ...] | None) -> None:
    """On a model that is wrong in all places but a few: every count and every first failure."""
    oracle = SimulatorOracle(base, classes)
    compiled = measure(decoder_model(), oracle, vectors=70_000, first=1234, seed=5)
    asked = measure(decoder_model(), Slow(oracle), vectors=70_000, first=1234, seed=5)
    assert 0 < compiled.errors < 70_000
    assert same(compiled, asked)


def test_one_wrong_vector_in_a_batch_is_found() -> None:
    """A model that is wrong for one row of a stream has that one error, wherever a task begins."""
    strata = strata_for(RVFI_SCHEMA)
    columns, _ = strata.draw(0, 0)
    position = 3001
    row = pack_fields(columns[:, position : position + 1], [32] * 5)
    expected, care = step_packed(row)
    build = Builder(RVFI_SCHEMA.n_inputs)
    bits = to_bool(row, RVFI_SCHEMA.n_inputs)[0]
    here = build.and_(*(build.var(i) ^ (1 - int(bit)) for i, bit in enumerate(bits)))
    cared = int(np.flatnonzero(to_bool(expected & care, RVFI_SCHEMA.n_outputs)[0])[0])
    roots = [0] * RVFI_SCHEMA.n_outputs
    roots[cared] = here ^ 1
    model = Model(build.build(roots), RVFI_SCHEMA, {})

    def cares_for_one_bit(inputs: U64) -> tuple[U64, U64]:
        outputs = from_bool(np.tile(np.arange(RVFI_SCHEMA.n_outputs) == cared, (inputs.shape[0], 1)))
        return outputs, outputs

    oracle = Slow(SimulatorOracle())
    oracle.query = cares_for_one_bit  # type: ignore[method-assign]
    found = measure(model, oracle, vectors=1000, first=2500)
    assert found.errors == 1
    (failure,) = found.failures.values()
    assert (failure["seed"], failure["position"]) == (0, position)
    assert measure(model, oracle, vectors=500, first=2500).errors == 0


def test_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the threads, and in which runs it is measured."""
    monkeypatch.setattr("bsdgen.measure.run.TASK", 5000)
    monkeypatch.setattr("numba.get_num_threads", lambda: 3)
    model, oracle = decoder_model(), SimulatorOracle()
    whole = measure(model, oracle, vectors=30_000)
    first = measure(model, oracle, vectors=10_001)
    both = measure(model, oracle, vectors=30_000, before=first)
    assert same(whole, both)
    middle = measure(model, oracle, vectors=1000, first=12_000)
    assert same(whole, measure(model, oracle, vectors=30_000, before=middle))
    assert same(whole, measure(model, oracle, vectors=7, before=whole))


def test_what_was_done_is_saved_when_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsdgen.measure.run.TASK", 1000)
    model, saved = adder_model(), []

    def stop(done: int, total: int) -> None:
        if done == 3000:
            raise KeyboardInterrupt

    oracle = adder_oracle(model)
    with pytest.raises(KeyboardInterrupt):
        measure(model, oracle, vectors=9000, progress=stop, checkpoint=saved.append)
    assert [part.drawn for part in saved] == [(Drawn(0, 0, 3000),)]
    seen: list[int] = []
    result = measure(
        model, oracle, vectors=9000, before=saved[0], progress=lambda done, total: seen.append(done)
    )
    assert seen[0] == 4000
    assert same(result, measure(model, oracle, vectors=9000))


def test_an_interrupt_within_the_sum_spoils_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved has the counts of the vectors that it says it has."""
    monkeypatch.setattr("bsdgen.measure.run.TASK", 1000)
    model, saved = adder_model(), []
    plain = Counts.__add__

    def stop(self: Counts, other: Counts) -> Counts:
        if self.n.sum() == 2000:
            raise KeyboardInterrupt
        return plain(self, other)

    monkeypatch.setattr(Counts, "__add__", stop)
    with pytest.raises(KeyboardInterrupt):
        measure(model, adder_oracle(model), vectors=9000, checkpoint=saved.append)
    assert [(part.vectors, part.drawn) for part in saved] == [(2000, (Drawn(0, 0, 2000),))]


def test_missing_parts() -> None:
    done = [Drawn(0, 5, 10), Drawn(0, 10, 20), Drawn(1, 0, 100), Drawn(0, 30, 40)]
    assert missing(Drawn(0, 0, 50), done) == [Drawn(0, 0, 5), Drawn(0, 20, 30), Drawn(0, 40, 50)]
    assert missing(Drawn(0, 6, 19), done) == []
    assert missing(Drawn(0, 15, 32), done) == [Drawn(0, 20, 30)]
    assert missing(Drawn(2, 0, 9), done) == [Drawn(2, 0, 9)]


def test_strata_add_up() -> None:
    result = measure(decoder_model(), SimulatorOracle(), vectors=50_000)
    for part in (result.classes, result.operands, result.hazards):
        assert sum(item.n for item in part) == 50_000
        assert sum(item.errors for item in part) == result.errors
    illegal = next(item for item in result.classes if item.name == "illegal")
    assert sum(item.n for item in result.patterns) == illegal.n
    assert all(item.n for item in result.patterns)
    assert sum(n for row in result.strata.values() for part in row.values() for n in part.values()) == 50_000


def test_an_oracle_that_changes_its_mind_is_refused() -> None:
    class Moody(CaresForNothing):
        asked = 0

        def query(self, inputs: U64) -> tuple[U64, U64]:
            self.asked += 1
            outputs, care = super().query(inputs)
            return outputs, care | np.uint64(31 * (self.asked == 1))

    with pytest.raises(OracleError, match=r"is not deterministic: .* vector 0 of seed 0"):
        measure(adder_model(), Moody(), vectors=10)
