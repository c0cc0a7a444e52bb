"""Beyond so many contexts the tree stays as it has grown."""

import numpy as np
import pytest
from row_machines import ALU, rows_of

from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import evidence_of, hypothesis
from bsdgen.learn.evidence.claims import support


def test_the_tree_as_grown_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(ALU, 30_000, 1)
    anew = evidence_of(*rows, ALU.n_inputs, ALU.n_outputs, LearnConfig(seed=0)).hypothesis
    monkeypatch.setattr(hypothesis, "MOST_CONTEXTS", 1)
    monkeypatch.setattr(support, "MOST_CONTEXTS", 1)
    grown = evidence_of(*rows, ALU.n_inputs, ALU.n_outputs, LearnConfig(seed=0)).hypothesis
    assert len(anew.tree) <= len(grown.tree)
    assert anew.hints() and not any(hint.sure for hint in grown.hints().values())
    x, _, c = rows_of(ALU, 20_000, 2)
    said, care = anew.query(x)
    other, other_care = grown.query(x)
    assert np.array_equal(care, other_care)
    assert not ((said ^ other) & care & c).any()
