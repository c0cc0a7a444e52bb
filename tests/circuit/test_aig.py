import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import random_bsd

from bsdgen.bits import from_bool, to_bool
from bsdgen.bsd import Bsd
from bsdgen.circuit import Aig, AigBuilder, aig_from_bsd, bsd_from_aig
from bsdgen.circuit.aig import copy_into


def all_rows(n):
    return from_bool(np.array(list(itertools.product([False, True], repeat=n)), np.bool_)[:, ::-1])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(0, 60), st.integers(1, 9))
def test_graph_of_a_diagram_is_the_same_function(seed, n_inputs, n_nodes, n_outputs):
    bsd = random_bsd(np.random.default_rng(seed), n_inputs, n_nodes, n_outputs)
    aig = aig_from_bsd(bsd)
    rows = all_rows(n_inputs)
    assert np.array_equal(aig.evaluate(rows), bsd.evaluate(rows))
    assert np.array_equal(bsd_from_aig(aig).evaluate(rows), bsd.evaluate(rows))
    assert aig.used()[1 + n_inputs :].all()
    pairs = list(zip(aig.fanin0.tolist(), aig.fanin1.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("guard,high,low", list(itertools.product(range(8), repeat=3)))
def test_ite_on_three_variables_and_constants(guard, high, low):
    builder = AigBuilder(3)
    aig = builder.build([builder.ite(guard, high, low)])
    rows = all_rows(3)
    bits = np.concatenate([np.zeros((8, 1), np.bool_), to_bool(rows, 3)], axis=1)

    def value(literal):
        return bits[:, literal >> 1] ^ bool(literal & 1)

    want = np.where(value(guard), value(high), value(low))
    assert np.array_equal(to_bool(aig.evaluate(rows), 1)[:, 0], want)
    assert aig.n_ands <= 3


@pytest.mark.parametrize(
    "ites,n_ands",
    [
        ([(2, 4, 0)], 1),
        ([(2, 1, 4)], 1),
        ([(2, 5, 4)], 3),
        ([(2, 4, 6)], 3),
        ([(2, 2, 4)], 1),
        ([(2, 4, 4)], 0),
        ([(2, 5, 4), (4, 3, 2), (3, 4, 5)], 3),  # one exclusive or, three ways
        ([(2, 4, 6), (3, 6, 4), (2, 5, 7)], 3),  # one multiplexer, three ways
    ],
)
def test_simplest_form_and_sharing(ites, n_ands):
    builder = AigBuilder(3)
    assert builder.build([builder.ite(*ite) for ite in ites]).n_ands == n_ands


def test_depth_levels_and_cone():
    builder = AigBuilder(4)
    chain = builder.and_(builder.and_(builder.and_(2, 4), 6), 8)
    aig = builder.build([2, chain, builder.and_(2, 9)])
    assert (aig.depth, aig.n_ands) == (3, 4)
    assert aig.levels().tolist()[:5] == [0] * 5
    assert aig.cone([0]).n_ands == 0
    assert aig.cone([2]).n_ands == 1
    rows = all_rows(4)
    assert np.array_equal(
        aig.cone([1]).evaluate(rows)[:, 0], aig.evaluate(rows)[:, 0] >> np.uint64(1) & np.uint64(1)
    )
    assert Aig(3, *(np.zeros(0, np.int32),) * 3).depth == 0


def test_simulate_gives_every_node():
    aig = aig_from_bsd(random_bsd(np.random.default_rng(5), 6, 40, 4))
    rows = all_rows(6)
    value = aig.simulate(from_bool(to_bool(rows, 6).T))
    assert value.shape == (1 + 6 + aig.n_ands, 1)
    outputs = value[aig.outputs >> 1, 0] ^ np.where(aig.outputs & 1, np.uint64(2**64 - 1), np.uint64(0))
    assert np.array_equal(to_bool(outputs[:, None], 64).T, to_bool(aig.evaluate(rows), 4))
    with pytest.raises(ValueError, match="columns must be"):
        aig.simulate(np.zeros((5, 1), np.uint64))


def test_copy_with_inputs_tied():
    builder = AigBuilder(3)
    mux = builder.build([builder.ite(2, 4, 6)])
    other = AigBuilder(2)
    assert copy_into(other, mux, [1, 2, 4]) == [2]
    assert copy_into(other, mux, [0, 2, 4]) == [4]


def test_deep_graph_needs_no_recursion():
    n = 30_000
    guard = np.full(n, 2, np.int32)
    high = (2 * np.arange(2, n + 2) + 1).astype(np.int32)
    low = (2 * np.arange(2, n + 2) + np.arange(n) % 2).astype(np.int32)
    bsd = Bsd(2, guard, low, high, np.array([2 * (n + 2)], np.int32))
    aig = aig_from_bsd(bsd)
    rows = all_rows(2)
    assert np.array_equal(aig.evaluate(rows), bsd.evaluate(rows))


@pytest.mark.parametrize(
    "arrays",
    [
        ([6], [2], [2]),
        ([4], [-1], [2]),
        ([4], [2], [8]),
        ([4], [2, 2], [2]),
    ],
)
def test_refuses_arrays_that_are_no_graph(arrays):
    with pytest.raises(ValueError):
        Aig(2, *(np.array(array, np.int32) for array in arrays))
