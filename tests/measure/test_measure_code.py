import numpy as np
import pytest
from small_models import adder_model, decoder_model

from bsdgen.bits import from_bool, to_bool
from bsdgen.bsd import Bsd
from bsdgen.measure.code import BATCH, LANES, compile_diagram, run_code, transpose


def evaluate(bsd: Bsd, bits: np.ndarray) -> np.ndarray:
    """Outputs of `BATCH` assignments by the code: bool, shape (BATCH, n_outputs)."""
    code = compile_diagram(bsd)
    planes = np.zeros((code.n_planes, LANES), np.uint32)
    weights = np.uint32(1) << np.arange(32, dtype=np.uint32)[:, np.newaxis]
    for v in range(bsd.n_inputs):
        planes[1 + v] = (bits[:, v].reshape(32, LANES) * weights).sum(axis=0).astype(np.uint32)
    run_code(code.operations, planes)
    found = planes[code.outputs[:, 0]] ^ (np.uint32(0) - code.outputs[:, 1:].astype(np.uint32))
    return ((found[:, np.newaxis] & weights) != 0).reshape(bsd.n_outputs, BATCH).T


def random_diagram(rng: np.random.Generator, n_inputs: int, n_nodes: int) -> Bsd:
    """Any literals, constants and complements among them, children before parents."""
    parts = [
        np.array([rng.integers(0, 2 * (1 + n_inputs + i)) for i in range(n_nodes)], np.int32)
        for _ in range(3)
    ]
    roots = rng.integers(0, 2 * (1 + n_inputs + n_nodes), 20).astype(np.int32)
    return Bsd(n_inputs, *parts, roots)


@pytest.mark.parametrize("seed", range(12))
def test_code_is_the_diagram(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bsd = random_diagram(rng, 7, 40)
    bits = rng.integers(0, 2, (BATCH, 7)).astype(np.bool_)
    assert np.array_equal(evaluate(bsd, bits), to_bool(bsd.evaluate(from_bool(bits)), 20))


@pytest.mark.parametrize("bsd", [adder_model(8).bsd, decoder_model().bsd], ids=["adder", "decoder"])
def test_code_is_the_model_and_planes_are_used_again(bsd: Bsd) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (BATCH, bsd.n_inputs)).astype(np.bool_)
    assert np.array_equal(evaluate(bsd, bits), to_bool(bsd.evaluate(from_bool(bits)), bsd.n_outputs))
    code = compile_diagram(bsd)
    assert code.n_planes < 1 + bsd.n_inputs + bsd.n_nodes
    target, *fanins = code.operations.T[:4]
    assert all((target != fanin).all() for fanin in fanins)


def test_nodes_that_no_output_needs_are_left_out() -> None:
    model = adder_model(8)
    one = Bsd(16, model.bsd.guard, model.bsd.low, model.bsd.high, model.bsd.roots[:1])
    assert compile_diagram(one).operations.shape[0] == 1


def test_transpose_turns_bits_and_back() -> None:
    words = np.random.default_rng(0).integers(0, 1 << 32, (32, LANES), np.uint32)
    block = words.copy()
    transpose(block)
    for lane in (0, LANES - 1):
        bits = words[:, lane, np.newaxis] >> np.arange(32, dtype=np.uint32) & 1
        turned = block[:, lane, np.newaxis] >> np.arange(32, dtype=np.uint32) & 1
        assert np.array_equal(turned, bits.T)
    transpose(block)
    assert np.array_equal(block, words)
