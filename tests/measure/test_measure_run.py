import numpy as np
import pytest
from small_models import adder_model, decoder_model

from bsdgen.bits import U64, unpack_fields
from bsdgen.bsd import Bsd
from bsdgen.errors import OracleError, UsageError
from bsdgen.measure import measure
from bsdgen.model import Model
from bsdgen.oracle.function import FunctionOracle
from bsdgen.oracle.simulator import SimulatorOracle


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


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsdgen.measure.run.BLOCK", 1000)
    model, seen = adder_model(), []
    result = measure(
        model, adder_oracle(model), vectors=2500, progress=lambda done, total: seen.append((done, total))
    )
    assert result.vectors == 2500
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500)]


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
