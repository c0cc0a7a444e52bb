"""Learning from rows alone: exact on rows never seen, whatever the uncared bits and the order of bits."""

import numpy as np
import pytest
from row_machines import ALU, disguised, rows_of

from bsdgen.bits import U64
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import Evidence, evidence_of

ROWS, FRESH = 30_000, 20_000


def learned(rows: tuple[U64, U64, U64]) -> Evidence:
    return evidence_of(*rows, ALU.n_inputs, ALU.n_outputs, LearnConfig(seed=0))


def wrong(evidence: Evidence, rows: tuple[U64, U64, U64]) -> int:
    x, y, c = rows
    said, cared = evidence.hypothesis.query(x)
    assert not (c & ~cared).any()
    return int((((said ^ y) & c) != 0).any(axis=1).sum())


@pytest.fixture(scope="module")
def plain() -> Evidence:
    return learned(rows_of(ALU, ROWS, 1))


def test_fresh_rows_are_right(plain: Evidence) -> None:
    assert plain.n_open == 0
    assert wrong(plain, rows_of(ALU, FRESH, 2)) == 0


@pytest.mark.parametrize("uncared", ["ones", "noise"])
def test_uncared_bits_are_not_read(plain: Evidence, uncared: str) -> None:
    other = learned(rows_of(ALU, ROWS, 1, uncared))
    for name in ("guard", "low", "high", "roots"):
        assert np.array_equal(getattr(other.hypothesis.both, name), getattr(plain.hypothesis.both, name))


def test_disguise() -> None:
    x, y, c = rows_of(ALU, ROWS, 1)
    evidence = learned((disguised(x, ALU.n_inputs, 5), y, c))
    x, y, c = rows_of(ALU, FRESH, 2)
    assert wrong(evidence, (disguised(x, ALU.n_inputs, 5), y, c)) == 0


def test_wrong_outputs_are_among_the_unsupported() -> None:
    few = rows_of(ALU, 400, 1)
    evidence = learned(few)
    x, y, c = rows_of(ALU, FRESH, 2)
    said, _ = evidence.hypothesis.query(x)
    bits = np.bitwise_or.reduce((said ^ y) & c, axis=0)
    wrong_outputs = {o for o in range(ALU.n_outputs) if int(bits[0]) >> o & 1}
    assert wrong_outputs  # 400 rows are too few for this machine
    assert wrong_outputs <= {claim.output for claim in evidence.unsupported}


def test_time_limit_leaves_a_whole_function() -> None:
    rows = rows_of(ALU, ROWS, 1)
    evidence = evidence_of(*rows, ALU.n_inputs, ALU.n_outputs, LearnConfig(seed=0, time_limit_s=0.02))
    said, _ = evidence.hypothesis.query(rows[0])
    assert said.shape == rows[1].shape
    assert evidence.n_open > 0
