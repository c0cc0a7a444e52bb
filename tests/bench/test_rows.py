"""The benchmark of learning from rows alone, at a small size; a wrong machine must show."""

import numpy as np
import pytest

from bsdgen.bench.row_machines import MACHINES, RowMachine
from bsdgen.bench.rows import RowsTrial, Source, judged, machine_trial, run_rows, step_rows
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import evidence_of

NAMED = {machine.name: machine for machine in MACHINES}


@pytest.mark.parametrize("name", ["accumulator", "saturating", "rotate", "popcount", "priority"])
def test_machines_that_are_learned_exactly(name: str) -> None:
    trial = machine_trial(NAMED[name], 30_000, LearnConfig(seed=0))
    assert trial.exhaustive and trial.wrong == 0 and trial.outputs_right == trial.outputs
    assert trial.recall is None


@pytest.mark.parametrize("name", ["extremes", "decimal"])
def test_what_is_wrong_is_listed(name: str) -> None:
    trial = machine_trial(NAMED[name], 5_000, LearnConfig(seed=0))
    assert trial.wrong and trial.recall == 1.0


def test_a_wrong_answer_is_seen() -> None:
    machine = NAMED["rotate"]
    evidence = evidence_of(*machine.rows(30_000, 0), 11, 8, LearnConfig(seed=0))
    every = machine.every()
    outputs, care = machine.answers(every)
    outputs[5] ^= np.uint64(4)
    trial = judged("broken", evidence, (every, outputs, care), True)
    assert trial.wrong == 1 and trial.outputs_right == 7 and trial.recall == 0.0


def test_uncared_outputs_are_zero() -> None:
    machine: RowMachine = NAMED["decimal"]
    _, outputs, care = machine.rows(2000, 3)
    assert (care == 0).any() and not (outputs & ~care).any()


def test_run() -> None:
    told: list[RowsTrial] = []
    result = run_rows(
        (Source(300, None, 0, None),),
        (NAMED["rotate"],),
        3000,
        config=LearnConfig(seed=0),
        fresh=2000,
        on_trial=lambda done, trial, so_far: told.append(trial),
    )
    assert [*result.machines, *result.curve] == told
    assert result.curve[0].rows <= 300 and result.curve[0].wrong > 0
    assert result.curve[0].recall is not None and result.curve[0].recall > 0.9


def test_sources_add_up_and_hide() -> None:
    """Rows in disguise are the same rows: what they say is the same function, its bits elsewhere."""
    recorded = step_rows(200, 7)
    alone, both = Source(0, recorded, 0, None).rows(), Source(100, recorded, 0, None).rows()
    assert alone[0].shape[0] == recorded[0].shape[0] and both[0].shape[0] > alone[0].shape[0] + 90
    inputs, outputs, care = Source(0, recorded, 0, 3).rows()
    assert np.bitwise_count(care).sum() == np.bitwise_count(recorded[2]).sum()
    assert not (outputs & ~care).any() and not np.array_equal(inputs, recorded[0])
    assert "recorded rows, seed 0, in disguise 3" in Source(0, recorded, 0, 3).text
