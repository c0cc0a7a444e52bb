"""The ledger: what it says is true, nothing that was speculated is missing, and it survives rewriting."""

import dataclasses
import functools
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pytest
from small_oracles import FieldOracle, TableOracle, learn
from small_units import decoder_oracle, fresh_rows, guard_oracle, random_oracle, unit_oracle

from bsdgen.bits import U64
from bsdgen.learn import BsdLearner, tree
from bsdgen.learn.control import GONE, ControlTree
from bsdgen.learn.kernels.counts import count_bits
from bsdgen.learn.ledger import Kind, Ledger, Status, claims


@functools.cache
def learned(make: Callable[[], FieldOracle | TableOracle], share: bool = True) -> BsdLearner:
    """With the passes that share functions of the finished diagram, or without."""
    if make is not decoder_oracle:
        return learn(make(), exclusive=share, substitution=share, reordering=share)
    with patch.object(tree, "_LEAF_BUDGET", 0):  # or one leaf would do for all
        return learn(make(), control_gain=0.01, exclusive=share, substitution=share, reordering=share)


MAKERS = [unit_oracle, guard_oracle, random_oracle, decoder_oracle]


def ledger_of(learner: BsdLearner) -> Ledger:
    ledger = Ledger.from_arrays(learner.ledger_)
    assert ledger is not None
    return ledger


def tree_of(learner: BsdLearner) -> ControlTree:
    tree = ControlTree.from_arrays(learner.ledger_)
    assert tree is not None
    return tree


def bit(words: U64, output: int) -> U64:
    return (words[:, output >> 6] >> np.uint64(output & 63)) & np.uint64(1)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("make", MAKERS)
def test_every_record_is_true(make: type, share: bool) -> None:
    """Each says what an output is inside a cube; the oracle says the same of rows that it has not seen.

    Sharing leaves some claims without a node, but no claim about a constant or a variable.
    """
    oracle: FieldOracle | TableOracle = make()
    learner = learned(make, share)
    ledger, rows = ledger_of(learner), fresh_rows(oracle)
    lost = (ledger.target == -1) & (ledger.kind != Kind.UNCARED) & (ledger.round == 0)
    assert lost.mean() < 0.6 if share else not lost.any()
    assert not lost[(ledger.kind == Kind.CONSTANT) | (ledger.kind == Kind.VARIABLE)].any()
    for at in np.flatnonzero(ledger.kind != Kind.GUARD):
        mask, value = ledger.mask[at], ledger.value[at]
        assert not (value & ~mask).any()
        inside = (rows & ~mask) | value
        outputs, care = (bit(words, int(ledger.output[at])) for words in oracle.query(inside))
        if ledger.kind[at] == Kind.UNCARED:
            assert ledger.target[at] == -1 and not care.any()
            continue
        if lost[at]:
            continue
        target = np.full(len(rows), ledger.target[at], np.int32)
        said = learner.bsd_.evaluate_each(inside, target)
        assert not ((outputs != said) & (care == 1)).any(), f"record {at}: {Kind(ledger.kind[at]).text}"


@pytest.mark.parametrize("make", MAKERS)
def test_every_node_has_a_record(make: type) -> None:
    learner = learned(make, share=False)
    bsd, ledger = learner.bsd_, ledger_of(learner)
    named = set((ledger.target[ledger.kind == Kind.INDEPENDENT] >> 1).tolist())
    assert {index for index, *_ in bsd.nodes()} <= named
    for index in (1 + bsd.n_inputs, bsd.n_inputs + bsd.n_nodes):
        assert (ledger.target[ledger.of_node(index)] >> 1 == index).all()


@pytest.mark.parametrize("make", [unit_oracle, random_oracle])
def test_every_edge_is_accounted_for(make: type) -> None:
    """An edge to a constant or a variable, and all but one way to a node, is a speculation of its own."""
    learner = learned(make, share=False)
    bsd, ledger = learner.bsd_, ledger_of(learner)
    to = np.concatenate([bsd.low >> 1, bsd.high >> 1, bsd.roots >> 1])
    known = np.bincount(to, minlength=1 + bsd.n_inputs + bsd.n_nodes)
    first = 1 + bsd.n_inputs
    constants = ledger.kind == Kind.CONSTANT
    assert constants.sum() >= known[0]
    assert (ledger.kind == Kind.VARIABLE).sum() >= known[1:first].sum()
    listed = np.bincount(ledger.target[ledger.kind == Kind.MERGE] >> 1, minlength=len(known))
    more = np.zeros(len(known), np.int64)
    np.add.at(more, ledger.target[ledger.kind == Kind.MERGE] >> 1, ledger.more[ledger.kind == Kind.MERGE])
    assert ((listed + more)[first:] >= known[first:] - 1).all()
    assert listed.max() <= 16


def test_evidence_is_counted() -> None:
    """Deep claims have seen about as many fresh rows as shallow ones; rows are no more than the cube has."""
    learner = learned(unit_oracle)
    ledger = ledger_of(learner)
    assert (ledger.status == Status.CONFIRMED).all()
    edges = ledger.fresh[(ledger.kind == Kind.CONSTANT) | (ledger.kind == Kind.MERGE)]
    assert edges.min() > 100 and edges.max() < 2 * edges.min()
    free = 25 - np.bitwise_count(ledger.mask).sum(axis=1)
    assert (ledger.rows <= 1 << free.astype(np.int64)).all() and ledger.rows.max() == 1024


def test_uncared_outputs_are_no_evidence() -> None:
    learner = learned(decoder_oracle)
    ledger = ledger_of(learner)
    uncared = ledger.kind == Kind.UNCARED
    assert uncared.any() and (ledger.output[uncared] >= 8).all()
    assert (ledger.status[uncared] == Status.CONFIRMED).all() and (ledger.target[uncared] == -1).all()


def test_guards_are_records() -> None:
    learner = learned(guard_oracle)
    ledger, tree = ledger_of(learner), tree_of(learner)
    (at,) = ledger.guards
    assert ledger.kind[at] == Kind.GUARD and ledger.output[at] == -1 and ledger.fresh[at] > 1000
    assert int(np.bitwise_count(ledger.guard_set[0]).sum()) == 24  # both words that are compared
    a, b = ledger.guard_assignments[0] & np.uint64(0xFFFFFF)
    equal = [int(word[0] & np.uint64(0xFFF)) == int(word[0] >> np.uint64(12)) for word in (a, b)]
    assert sorted(equal) == [False, True]
    inside = fresh_rows(guard_oracle())
    inside[::2, 0] = (inside[::2, 0] & ~np.uint64(0xFFF000)) | (
        inside[::2, 0] & np.uint64(0xFFF)
    ) << np.uint64(12)
    phi = learner.bsd_.evaluate_each(inside, np.full(len(inside), ledger.target[at], np.int32))
    same = (inside[:, 0] & np.uint64(0xFFF)) == (inside[:, 0] >> np.uint64(12) & np.uint64(0xFFF))
    assert np.array_equal(phi == equal[1], same)
    assert tree.guard[0] == ledger.target[at]


@pytest.mark.parametrize("share", [True, False])
def test_control_tree(share: bool) -> None:
    learner = learned(decoder_oracle, share)
    bsd, tree = learner.bsd_, tree_of(learner)
    assert tree.n_contexts == 2 * tree.leaf.sum() - 1 > 1
    gone = tree.literal == GONE
    assert gone.mean() < 0.5 and (share or not gone.any()) and (tree.guard >= 0).all()
    parent = tree.parents()
    assert parent[0] == -1 and (parent[1:] >= 0).all()
    for child in range(1, tree.n_contexts):
        above = parent[child]
        assert (tree.mask[above] & ~tree.mask[child] == 0).all()
        added = tree.mask[child] & ~tree.mask[above]
        assert int(np.bitwise_count(added).sum()) == 1
        variable = int(tree.guard[above] >> 1) - 1
        assert int(added[variable >> 6]) == 1 << (variable & 63)
        high = bool(tree.value[child][variable >> 6] >> np.uint64(variable & 63) & np.uint64(1))
        assert high == (tree.high[above] == child)
    root = tree.entry_context == 0
    assert np.array_equal(tree.literal[root][np.argsort(tree.entry_output[root])], bsd.roots)
    rows = fresh_rows(decoder_oracle())
    for at in np.flatnonzero(tree.literal >= 0):
        context, output = int(tree.entry_context[at]), int(tree.entry_output[at])
        inside = (rows & ~tree.mask[context]) | tree.value[context]
        outputs, care = (bit(words, output) for words in decoder_oracle().query(inside))
        said = bsd.evaluate_each(inside, np.full(len(rows), tree.literal[at], np.int32))
        assert not ((outputs != said) & (care == 1)).any()


def test_arrays_come_back() -> None:
    learner = learned(guard_oracle)
    ledger, tree = ledger_of(learner), tree_of(learner)
    for name, array in (ledger.arrays() | tree.arrays()).items():
        assert np.array_equal(array, learner.ledger_[name]) and array.dtype == learner.ledger_[name].dtype
    assert Ledger.from_arrays({"cube_mask": np.zeros((3, 1), np.uint64)}) is None
    assert ControlTree.from_arrays({}) is None


def test_remapped() -> None:
    """Node 4 becomes the complement of node 3, node 5 goes: claims follow, those about 5 have no target."""
    cube = (np.zeros((4, 1), np.uint64), np.zeros((4, 1), np.uint64))
    ledger = claims(Kind.MERGE, np.zeros(4, np.int32), cube, np.array([8, 9, 10, -1], np.int32))
    moved = ledger.remapped(np.array([0, 2, 4, 6, 7, -1], np.int32))
    assert moved.target.tolist() == [7, 6, -1, -1]
    assert ledger.target.tolist() == [8, 9, 10, -1]


def test_status_and_joining() -> None:
    cube = (np.zeros((2, 1), np.uint64), np.zeros((2, 1), np.uint64))
    one = claims(Kind.CONSTANT, np.zeros(2, np.int32), cube, np.zeros(2, np.int32))
    two = claims(Kind.GUARD, np.full(2, -1, np.int32), cube, np.zeros(2, np.int32), np.array([0, 7]))
    guards = dataclasses.replace(
        two,
        guards=np.array([1], np.int32),
        guard_set=np.ones((1, 1), np.uint64),
        guard_assignments=np.zeros((1, 2, 1), np.uint64),
        guard_outputs=np.ones((1, 1), np.uint64),
    )
    both = one.joined(guards)
    assert both.guards.tolist() == [3] and len(both) == 4
    assert both.status.tolist() == [0, 0, 0, 1]
    assert both.taken(np.array([3, 0])).guards.tolist() == [0]
    assert (
        both.taken(np.array([2, 0])).guards.tolist() == []
        and len(both.taken(np.array([2, 0])).guard_set) == 0
    )
    proved = both.with_status(np.array([False, True, False, False]), Status.PROVED, np.array([5]))
    assert proved.status.tolist() == [0, 3, 0, 1] and proved.fresh.tolist() == [0, 5, 0, 7]
    assert both.status.tolist() == [0, 0, 0, 1]
    summary = proved.summary()
    assert summary["records"] == 4
    assert summary["kinds"]["constant"] == {
        "records": 2, "unlisted": 0, "speculated": 1, "confirmed": 0, "refuted": 0, "proved": 1,
        "given_up": 0, "least_fresh": 0, "median_fresh": 2,
    }  # fmt: skip


def test_count_bits() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 1 << 64, (300, 2), np.uint64, endpoint=False)
    rows[:, 1] &= np.uint64(0xFF)
    group = rng.integers(0, 5, 300)
    counts = np.ones((5, 72), np.int64)
    count_bits(rows, group, counts)
    bits = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")[:, :72]
    assert np.array_equal(
        counts, 1 + np.array([bits[group == g].sum(axis=0, dtype=np.int64) for g in range(5)])
    )
