import sys

import numpy as np
import pytest
from standin import random_bsd, rv32i_bsd

from bsdgen.bsd import Bsd
from bsdgen.circuit import Aig, AigBuilder, aig_from_bsd, equivalence, optimise, prove_equivalent
from bsdgen.circuit import optimise as optimise_function
from bsdgen.circuit.aig import copy_into
from bsdgen.circuit.sweep import sweep
from bsdgen.errors import CheckFailed, InputError, ToolTimeout


def ripple(builder, a, b):
    """Sum bits with the carry as a majority."""
    carry, bits = 0, []
    for x, y in zip(a, b, strict=True):
        bits.append(builder.xor(builder.xor(x, y), carry))
        carry = builder.or_(builder.and_(x, y), builder.and_(carry, builder.or_(x, y)))
    return bits


def select(builder, a, b):
    """Sum bits with both halves of the carry known before: other internal functions."""
    bits, carry = [], 0
    for at in range(0, len(a), 4):
        group = []
        for carry_in in (0, 1):
            c, row = carry_in, []
            for x, y in zip(a[at : at + 4], b[at : at + 4], strict=True):
                p = builder.xor(x, y)
                row.append(builder.xor(p, c))
                c = builder.ite(p, c, x)
            group.append([*row, c])
        *row, carry = [builder.ite(carry, one, zero) for zero, one in zip(*group, strict=True)]
        bits += row
    return bits


def adder(kind, n=32):
    builder = AigBuilder(2 * n)
    literals = list(range(2, 2 + 4 * n, 2))
    return builder.build(kind(builder, literals[:n], literals[n:]))


def test_two_adders_are_one_function():
    answer = prove_equivalent(adder(ripple), adder(select))
    assert answer.equal
    assert set(answer.engines) == {"abc", "sat"}


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_against_all_assignments(seed):
    rng = np.random.default_rng(seed)
    a = aig_from_bsd(random_bsd(rng, 7, 60, 3))
    fanin = a.fanin0.copy()
    if len(fanin):
        fanin[rng.integers(len(fanin))] ^= 1
    b = Aig(7, fanin, a.fanin1, a.outputs)
    rows = np.arange(128, dtype=np.uint64)[:, None]
    same = np.array_equal(a.evaluate(rows), b.evaluate(rows))
    answer = prove_equivalent(a, b)
    assert answer.equal == same
    if not same:
        row = answer.inputs[None, :]
        differ = int((a.evaluate(row) ^ b.evaluate(row))[0, 0])
        assert differ >> answer.output & 1


def test_one_assignment_in_2_to_the_64_is_found():
    builder = AigBuilder(64)
    rare = 1
    for variable in range(64):
        rare = builder.and_(rare, 2 * (variable + 1) ^ (variable & 1))
    a, b = builder.build([0, rare]), builder.build([0, 0])
    answer = prove_equivalent(a, b)
    assert not answer.equal
    assert answer.output == 1
    assert answer.inputs.tolist() == [0x5555555555555555]


def test_the_whole_step_function_against_its_optimised_self():
    aig = aig_from_bsd(rv32i_bsd())
    small = optimise(aig, rounds=1)
    assert small.n_ands < 0.9 * aig.n_ands
    fanin = small.fanin0.copy()
    fanin[small.n_ands // 2] ^= 1
    assert not prove_equivalent(aig, Aig(small.n_inputs, fanin, small.fanin1, small.outputs)).equal


def test_expanded_copy_of_the_whole_step_function():
    """What a learner may return: every branch of a control bit on its own."""
    aig = aig_from_bsd(rv32i_bsd())
    builder = AigBuilder(aig.n_inputs)
    inputs = list(range(2, 2 * (1 + aig.n_inputs), 2))
    branches = [copy_into(builder, aig, [*inputs[:4], value, *inputs[5:]]) for value in (0, 1)]
    outputs = [builder.ite(inputs[4], one, zero) for zero, one in zip(*branches, strict=True)]
    difference, stats = sweep(aig, builder.build(outputs))
    assert difference is None
    assert stats.unknown == 0
    assert stats.proved > 0


def test_graphs_of_other_sizes_are_refused():
    with pytest.raises(InputError, match="cannot be compared"):
        prove_equivalent(adder(ripple, 4), adder(ripple, 5))


def test_engines_that_contradict_each_other(monkeypatch):
    monkeypatch.setattr(equivalence, "abc_equal", lambda a, b, **_: False)
    with pytest.raises(CheckFailed, match="contradict"):
        prove_equivalent(adder(ripple, 4), adder(ripple, 4))


def test_optimise_refuses_another_function(monkeypatch):
    module = sys.modules["bsdgen.circuit.optimise"]
    monkeypatch.setattr(module, "_COMPRESS2RS", "b -l")
    monkeypatch.setattr(module, "read_aiger", lambda path: type("Net", (), {"aig": adder(ripple, 4)}))
    other = adder(ripple, 4)
    wrong = Aig(other.n_inputs, other.fanin0, other.fanin1, other.outputs ^ 1)
    with pytest.raises(CheckFailed, match="changed the function"):
        optimise_function(wrong, 1)


def test_constants_and_inputs_as_outputs():
    empty = np.zeros(0, np.int32)
    a = Aig(2, empty, empty, np.array([0, 1, 2, 5], np.int32))
    b = aig_from_bsd(Bsd(2, empty, empty, empty, np.array([0, 1, 2, 5], np.int32)))
    assert prove_equivalent(a, b).equal
    assert not prove_equivalent(a, Aig(2, empty, empty, np.array([0, 1, 2, 4], np.int32))).equal


@pytest.mark.parametrize("words", [1, 4])
def test_sweep_on_redundant_graphs_that_simulation_hardly_tells_apart(monkeypatch, words):
    """Many nodes that are equal, complementary or nearly so; every answer against all assignments."""
    module = sys.modules["bsdgen.circuit.sweep"]
    monkeypatch.setattr(module, "_WORDS", words)
    rows = np.arange(256, dtype=np.uint64)[:, None]
    answers = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        builder = AigBuilder(8)
        twins = [random_bsd(rng, 4, 80, 4, window=30) for _ in range(2)]
        parts = [aig_from_bsd(twin) for twin in twins]
        first, second = list(range(2, 10, 2)), list(range(10, 18, 2))
        left = copy_into(builder, parts[0], first) + copy_into(builder, parts[1], second)
        a = builder.build([builder.xor(x, y) for x in left[:4] for y in left[4:]])
        guard = 2 * int(rng.integers(1, 9))
        other = [builder.ite(guard, builder.or_(x, y), builder.xor(y, x)) for x in left[:4] for y in left[4:]]
        b = builder.build(other) if seed % 2 else optimise(a, 1, ("abc",))
        same = np.array_equal(a.evaluate(rows), b.evaluate(rows))
        difference, _ = sweep(a, b, rng)
        assert (difference is None) == same
        answers.append(same)
    assert 10 < sum(answers) < 60


def test_an_engine_that_has_no_time():
    one, other = adder(ripple, 12), adder(ripple, 12)
    with pytest.raises(ToolTimeout, match="SAT engine gave no answer within 0 s"):
        sweep(one, adder(select, 12), timeout_s=0.0)
    assert sweep(one, other, timeout_s=0.0)[0] is None  # alike in structure: the solver is not asked
