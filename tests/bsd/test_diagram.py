"""Diagrams: evaluation against a slow reading of the definition, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, n_words, to_bool
from bsdgen.bsd import Bsd


def i32(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def random_bsd(rng: np.random.Generator, n_inputs: int, n_nodes: int, n_outputs: int) -> Bsd:
    """Any literals of earlier indices: complemented guards, function guards, constants, dead nodes."""
    tops = 2 * (1 + n_inputs + np.arange(n_nodes))
    arrays = [rng.integers(0, tops).astype(np.int32) if n_nodes else i32() for _ in range(3)]
    roots = rng.integers(0, 2 * (1 + n_inputs + n_nodes), n_outputs).astype(np.int32)
    return Bsd(n_inputs, *arrays, roots)


def slow_values(bsd: Bsd, inputs: U64) -> NDArray[np.bool_]:
    """Values of all indices: bool (n, 1 + n_inputs + n_nodes), a node at a time."""
    n = inputs.shape[0]
    columns = [np.zeros(n, np.bool_), *to_bool(inputs, bsd.n_inputs).T]

    def of(literal: int) -> NDArray[np.bool_]:
        value: NDArray[np.bool_] = columns[literal >> 1] ^ bool(literal & 1)
        return value

    for _, guard, low, high in bsd.nodes():
        columns.append(np.where(of(guard), of(high), of(low)))
    return np.stack(columns, axis=1)


def slow(bsd: Bsd, inputs: U64) -> U64:
    values = slow_values(bsd, inputs)
    return from_bool(values[:, bsd.roots >> 1] ^ (bsd.roots & 1).astype(np.bool_))


SIZES = st.sampled_from([1, 2, 63, 64, 65, 130])


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(0, 60), SIZES, st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(0, 1 << 30))
def test_evaluate(n_inputs: int, n_nodes: int, n_outputs: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bsd = random_bsd(rng, n_inputs, n_nodes, n_outputs)
    inputs = from_bool(rng.random((n, n_inputs)) < 0.5)
    got = bsd.evaluate(inputs)
    assert got.shape == (n, n_words(n_outputs)) and got.dtype == np.uint64
    assert np.array_equal(got, slow(bsd, inputs))


def test_bits_above_the_inputs_are_ignored() -> None:
    bsd = Bsd(2, i32(), i32(), i32(), i32(2, 4, 1))
    assert bsd.evaluate(np.array([[(1 << 64) - 3]], np.uint64)).tolist() == [[4 | 1]]


def test_nothing_to_evaluate() -> None:
    bsd = random_bsd(np.random.default_rng(0), 70, 5, 3)
    assert bsd.evaluate(np.zeros((0, 2), np.uint64)).shape == (0, 1)
    none = Bsd(3, i32(), i32(), i32(), i32())
    assert none.evaluate(np.zeros((4, 1), np.uint64)).shape == (4, 0)


def test_rows_that_are_not_contiguous() -> None:
    rng = np.random.default_rng(2)
    bsd = random_bsd(rng, 100, 40, 5)
    wide = rng.integers(0, 1 << 64, (90, 4), np.uint64)
    assert np.array_equal(bsd.evaluate(wide[::2, 1:3]), slow(bsd, wide[::2, 1:3].copy()))


@pytest.mark.parametrize(
    "inputs",
    [np.zeros((3, 1), np.uint64), np.zeros((3, 2), np.int64), np.zeros(2, np.uint64), np.zeros((2, 2))],
)
def test_inputs_of_the_wrong_shape(inputs: np.ndarray) -> None:
    bsd = random_bsd(np.random.default_rng(0), 70, 5, 3)
    with pytest.raises(ValueError, match=r"inputs must be uint64 of shape \(n, 2\), not"):
        bsd.evaluate(inputs)


@pytest.mark.parametrize("name", ["guard", "low", "high"])
@pytest.mark.parametrize("literal", [-1, 8, 9, 100])
def test_literals_of_earlier_nodes_only(name: str, literal: int) -> None:
    """With two variables the second node has index 4: literals 0 to 7 are earlier."""
    arrays = {"guard": i32(2, 4), "low": i32(0, 7), "high": i32(4, 1)}
    Bsd(2, **arrays, roots=i32(8))
    arrays[name] = i32(int(arrays[name][0]), literal)
    with pytest.raises(ValueError, match=f"{name} must hold literals of earlier nodes only"):
        Bsd(2, **arrays, roots=i32(8))


def test_own_literal_is_not_earlier() -> None:
    with pytest.raises(ValueError, match="low must hold"):
        Bsd(2, i32(2), i32(6), i32(4), i32(6))


@pytest.mark.parametrize("name", ["low", "high"])
def test_arrays_of_one_shape(name: str) -> None:
    arrays = {"guard": i32(2), "low": i32(0), "high": i32(4)}
    with pytest.raises(ValueError, match=rf"{name} must be int32 of shape \(1,\), not int64 \(1,\)"):
        Bsd(2, **arrays | {name: np.array([0])}, roots=i32(6))
    with pytest.raises(ValueError, match=rf"{name} must be int32 of shape \(1,\), not int32 \(2,\)"):
        Bsd(2, **arrays | {name: i32(0, 0)}, roots=i32(6))


@pytest.mark.parametrize("roots", [i32(8), i32(6, -1), np.array([6])])
def test_roots_are_literals(roots: NDArray[np.int32]) -> None:
    with pytest.raises(ValueError, match="roots must be int32 literals"):
        Bsd(2, i32(2), i32(0), i32(4), roots)


def test_supports() -> None:
    bsd = random_bsd(np.random.default_rng(5), 6, 30, 4)
    support = bsd.supports()
    assert support.shape == (37, 6) and not support[0].any()
    assert np.array_equal(support[1:7], np.eye(6, dtype=np.bool_))
    for index, *literals in bsd.nodes():
        assert np.array_equal(support[index], np.any([support[x >> 1] for x in literals], axis=0))
    values = slow_values(bsd, np.arange(64, dtype=np.uint64)[:, None])
    for variable in range(6):
        flipped = slow_values(bsd, np.arange(64, dtype=np.uint64)[:, None] ^ np.uint64(1 << variable))
        assert not (values != flipped).any(axis=0)[~support[:, variable]].any()


def test_repr_and_counts() -> None:
    bsd = random_bsd(np.random.default_rng(5), 6, 30, 4)
    assert repr(bsd) == "Bsd(inputs=6, outputs=4, nodes=30)"
    assert [index for index, *_ in bsd.nodes()] == list(range(7, 37))
