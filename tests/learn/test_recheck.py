"""Claims against the oracle again: true ones stand, and whatever is tampered with is found."""

import dataclasses
from unittest.mock import patch

import numpy as np
import pytest
from small_oracles import FieldOracle, TableOracle, learn
from small_units import decoder_oracle, fresh_rows, guard_oracle, operand_oracle, random_oracle, unit_oracle

from bsdgen.bsd import Bsd
from bsdgen.learn import tree
from bsdgen.learn.ledger import Kind, Ledger, Status, claims
from bsdgen.learn.recheck import recheck


def learned(oracle: FieldOracle | TableOracle, **changes: object) -> tuple[Bsd, Ledger]:
    learner = learn(oracle, **changes)
    ledger = Ledger.from_arrays(learner.ledger_)
    assert ledger is not None
    return learner.bsd_, ledger


@pytest.mark.parametrize("make", [unit_oracle, guard_oracle, random_oracle, decoder_oracle])
def test_what_is_true_stands(make: type) -> None:
    oracle = make()
    bsd, ledger = learned(oracle)
    asked = (ledger.target >= 0) | (ledger.kind == Kind.UNCARED)
    found = recheck(ledger, bsd, oracle, 50, 1)
    assert found.refuted.shape == (0,) and found.n_rows >= 50 * asked.sum() / 3
    assert ((found.ledger.status == Status.CONFIRMED) | (found.ledger.status == Status.PROVED)).all()
    more = found.ledger.fresh - ledger.fresh
    assert asked.sum() > 100 and (more[asked] > 0).mean() > 0.9
    assert found.n_without_node == (~asked).sum() and (more[~asked] == 0).all()
    again = recheck(ledger, bsd, oracle, 50, 1)
    for name, array in again.ledger.arrays().items():
        assert np.array_equal(array, found.ledger.arrays()[name])


def test_small_cubes_are_proved() -> None:
    """All rows of a cube are tried where it has few: what one of 256 rows contradicts is not proved."""
    oracle = random_oracle()
    bsd, ledger = learned(oracle)
    found = recheck(ledger, bsd, oracle, 1, 0)
    assert (found.ledger.status == Status.PROVED).all()
    one = int(np.argmax(oracle.care[:, 0] & np.uint64(1)))
    oracle.table[one, 0] ^= np.uint64(1)
    found = recheck(ledger, bsd, oracle, 1, 0)
    bad = found.refuted
    assert len(bad) and (ledger.output[bad] == 0).all() and (found.ledger.witness == one).all()
    inside = (np.uint64(one) & ledger.mask[:, 0]) == ledger.value[:, 0]
    assert set(bad.tolist()) == set(np.flatnonzero(inside & (ledger.output == 0)).tolist())


def test_large_cubes_are_not_proved() -> None:
    oracle = guard_oracle()
    bsd, ledger = learned(oracle)
    found = recheck(ledger, bsd, oracle, 50, 1)
    small = 88 - np.bitwise_count(ledger.mask).sum(axis=1, dtype=np.int64) <= 10
    small &= ledger.target >= 0  # the others are about no node, and are not asked about
    assert np.array_equal(found.ledger.status == Status.PROVED, small) and 0 < small.sum() < len(ledger)


def test_a_tampered_diagram_is_refuted() -> None:
    oracle = unit_oracle()
    bsd, ledger = learned(oracle, exclusive=False, substitution=False, reordering=False)
    at = bsd.n_nodes // 2
    low = bsd.low.copy()
    low[at] ^= 1
    broken = dataclasses.replace(bsd, low=low)
    found = recheck(ledger, broken, oracle, 200, 0)
    assert len(found.refuted)
    node = 1 + bsd.n_inputs + at
    of_node = ledger.of_node(node)
    assert (found.ledger.status[of_node] == Status.REFUTED).all()
    below = np.flatnonzero((ledger.target >= 0) & (ledger.target >> 1 < node))
    assert (found.ledger.status[below] != Status.REFUTED).all()
    for row, witness in zip(found.ledger.witnesses, found.ledger.witness, strict=True):
        output, target = int(ledger.output[row]), ledger.target[row : row + 1]
        said = int(oracle.query(witness[None])[0][0, 0]) >> output & 1
        assert (witness & ledger.mask[row] == ledger.value[row]).all()
        assert bool(broken.evaluate_each(witness[None], target)[0]) != bool(said)


@pytest.mark.parametrize("kind", [Kind.CONSTANT, Kind.VARIABLE, Kind.MERGE, Kind.INDEPENDENT])
def test_a_tampered_claim_is_refuted(kind: Kind) -> None:
    oracle = unit_oracle()
    bsd, ledger = learned(oracle)
    at = int(np.flatnonzero((ledger.kind == kind) & (ledger.target >= 0))[0])
    target = ledger.target.copy()
    target[at] ^= 1
    found = recheck(dataclasses.replace(ledger, target=target), bsd, oracle, 20, 0)
    assert found.refuted.tolist() == [at] and found.ledger.witnesses.tolist() == [at]


def test_a_wrong_substitution_is_refuted() -> None:
    """The claim that one output is another function in a context is asked about like the others."""
    oracle = operand_oracle()
    bsd, ledger = learned(oracle, control_gain=0.01)  # or one leaf would do for both uses
    uses = np.flatnonzero(ledger.kind == Kind.SUBSTITUTION)
    assert uses.shape[0] >= 8 and (ledger.target[uses] >= 0).all()
    honest = recheck(ledger, bsd, oracle, 20, 0)
    assert not len(honest.refuted) and (honest.ledger.fresh[uses] > ledger.fresh[uses]).all()
    at = int(uses[3])
    output = ledger.output.copy()
    output[at] = (output[at] + 1) % oracle.n_outputs
    found = recheck(dataclasses.replace(ledger, output=output), bsd, oracle, 20, 0)
    assert found.refuted.tolist() == [at]
    (witness,) = found.ledger.witness[found.ledger.witnesses == at]
    assert (witness & ledger.mask[at] == ledger.value[at]).all()


def test_what_is_said_to_be_uncared_is_asked_for() -> None:
    oracle = decoder_oracle()
    with patch.object(tree, "_LEAF_BUDGET", 0):  # or one leaf would do for all
        bsd, ledger = learned(oracle, control_gain=0.01)
    assert (ledger.kind == Kind.UNCARED).any()
    honest = recheck(ledger, bsd, oracle, 20, 0)
    assert not len(honest.refuted)
    oracle.care = None  # now all is cared for
    found = recheck(ledger, bsd, oracle, 20, 0)
    assert set(np.flatnonzero(ledger.kind == Kind.UNCARED)) <= set(found.refuted.tolist())


def test_guards_are_tried() -> None:
    oracle = guard_oracle()
    bsd, ledger = learned(oracle)
    (at,) = ledger.guards
    swapped = dataclasses.replace(ledger, guard_assignments=ledger.guard_assignments[:, ::-1].copy())
    found = recheck(swapped, bsd, oracle, 100, 0)
    assert found.refuted.tolist() == [at]
    more = ledger.guard_set | np.array([1 << 24, 0], np.uint64)  # and a variable that is none of the set
    found = recheck(dataclasses.replace(ledger, guard_set=more), bsd, oracle, 100, 0)
    assert found.refuted.tolist() == [at]


def test_given_up_claims_are_left_alone() -> None:
    oracle = unit_oracle()
    bsd, ledger = learned(oracle)
    old = ledger.with_status(np.ones(len(ledger), np.bool_), Status.REFUTED)
    old = dataclasses.replace(old, round=np.ones(len(ledger), np.int32), target=old.target ^ 1)
    found = recheck(ledger.joined(old), bsd, oracle, 20, 0)
    assert not len(found.refuted) and (found.ledger.status[len(ledger) :] == Status.REFUTED).all()
    assert np.array_equal(found.ledger.fresh[len(ledger) :], ledger.fresh)


def test_another_oracle_is_refused() -> None:
    bsd, ledger = learned(unit_oracle())
    with pytest.raises(ValueError, match=r"oracle has 88 inputs and 32 outputs, the diagram 25 and 13"):
        recheck(ledger, bsd, guard_oracle(), 10, 0)


def test_recorded_rows_are_used() -> None:
    """An event that no fresh row hits by itself is found where recorded rows have it."""
    key = np.uint64(0x5A3C96E1)
    oracle = FieldOracle([32, 32], [1], lambda a, b: ((a == b ^ key).astype(np.uint64),))
    rows = fresh_rows(oracle)
    low = rows & np.uint64(0xFFFFFFFF)
    none, cube = np.zeros(0, np.int32), np.zeros((1, 1), np.uint64)
    bsd = Bsd(64, none, none, none, np.zeros(1, np.int32))
    constant = claims(Kind.CONSTANT, np.zeros(1, np.int32), (cube, cube), np.zeros(1, np.int32))
    assert not len(recheck(constant, bsd, oracle, 400, 0).refuted)
    assert recheck(constant, bsd, oracle, 400, 0, low | (low ^ key) << np.uint64(32)).refuted.tolist() == [0]
