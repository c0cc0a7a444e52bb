"""Doubts: found by a solver, asked of an oracle, settled."""

import numpy as np
import pytest
from row_machines import ALU, pack, rows_of

from bsdgen.bits import U64, to_bool, unpack_fields
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import Evidence, evidence_of
from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.definitions import Definitions

MASK = np.uint64(0xFF)


class AluOracle:
    """The machine as an oracle that counts what it is asked."""

    n_inputs, n_outputs = ALU.n_inputs, ALU.n_outputs

    def __init__(self, lies: bool = False) -> None:
        self.n_asked, self.lies = 0, lies

    def query(self, inputs: U64) -> tuple[U64, U64]:
        self.n_asked += inputs.shape[0]
        words = [np.asarray(part, np.uint64) for part in unpack_fields(inputs, list(ALU.inputs))]
        values, care = ALU.step(*words)
        return pack(values, ALU.outputs), pack(care, ALU.outputs)


@pytest.fixture(scope="module")
def definitions() -> tuple[Definitions, int, int]:
    """A chain of exclusive ors over 70 inputs, and what is one where its end and the step before are."""
    d = Definitions(70)
    chain = 0
    before = 0
    for v in range(1, 70):
        before, chain = chain, d.make((v, chain), [0, 1, 1, 0])
    return d, before, chain


def test_rows_meet_what_is_wanted(definitions: tuple[Definitions, int, int]) -> None:
    d, before, chain = definitions
    rows = Situations(d, 1).rows(((before, 1), (chain, 0), (5, 1)), 6)
    assert rows is not None and rows.shape == (6, 2)
    bits = to_bool(rows, 70)
    assert np.array_equal(bits.sum(axis=1) % 2, np.zeros(6))
    assert bits[:, :69].sum(axis=1).tolist() != [0] * 6 and bits[:, 5].all() and bits[:, 69].all()
    assert np.unique(rows, axis=0).shape[0] > 1
    assert not (rows[:, 1] >> np.uint64(6)).any()  # nothing above the inputs


def test_what_no_row_can_meet_has_none(definitions: tuple[Definitions, int, int]) -> None:
    d, before, chain = definitions
    situations = Situations(d)
    never = ((before, 1), (chain, 0), (69, 0))
    assert situations.never(never) and not situations.exist(never)
    found = situations.rows(never, 3)
    assert found is not None and found.shape == (0, 2)
    assert situations.exist(((before, 1), (chain, 0)))
    later = d.make((before, chain), [0, 0, 0, 1])  # definitions may come after the solver
    assert situations.never(((later, 1), (chain, 0)))


def fresh_wrong(evidence: Evidence) -> int:
    x, y, c = rows_of(ALU, 20_000, 2)
    said, _ = evidence.hypothesis.query(x)
    return int((((said ^ y) & c) != 0).any(axis=1).sum())


def asked(questions: int) -> tuple[Evidence, AluOracle]:
    oracle = AluOracle()
    rows = rows_of(ALU, 2_000, 1)
    config = LearnConfig(seed=0)
    return evidence_of(*rows, ALU.n_inputs, ALU.n_outputs, config, None, oracle, questions), oracle


def test_questions_settle_what_few_rows_leave_open() -> None:
    alone = evidence_of(*rows_of(ALU, 2_000, 1), ALU.n_inputs, ALU.n_outputs, LearnConfig(seed=0))
    assert alone.asked is None
    assert fresh_wrong(alone) > 0  # 2,000 rows are too few for this machine
    evidence, oracle = asked(2_000_000)
    assert evidence.asked is not None and evidence.asked.finished
    assert evidence.asked.n_questions == oracle.n_asked
    assert evidence.asked.n_wrong == 0 and evidence.asked.n_rounds > 1
    assert fresh_wrong(evidence) == 0
    assert evidence.n_rows > 2_000  # answers are rows like any others


def test_no_more_is_asked_than_allowed_and_doubt_that_is_left_is_said() -> None:
    evidence, oracle = asked(300)
    assert evidence.asked is not None and not evidence.asked.finished
    assert oracle.n_asked == evidence.asked.n_questions <= 300
