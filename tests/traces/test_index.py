import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bsdgen.traces.index import RowIndex, distinct_rows


def _rows(values):
    return np.array(values, np.uint64).reshape(len(values), -1)


def _distinct_twin(inputs, outputs, care):
    """`distinct_rows` in plain Python (without its limit of 16)."""
    kept = []
    n_contradictions = 0
    for question, answer, mask in zip(inputs.tolist(), outputs.tolist(), care.tolist(), strict=True):
        rivals = [row for row in kept if row[0] == question]
        for row in rivals:
            if all((a ^ b) & m & n == 0 for a, b, m, n in zip(row[1], answer, row[2], mask, strict=True)):
                new = [n & ~m for m, n in zip(row[2], mask, strict=True)]
                row[1] = [(a & ~n) | (b & n) for a, b, n in zip(row[1], answer, new, strict=True)]
                row[2] = [m | n for m, n in zip(row[2], mask, strict=True)]
                break
        else:
            kept.append([question, answer, mask])
            n_contradictions += bool(rivals)
    return kept, n_contradictions


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(0, 7), st.integers(0, 1)),
        min_size=0,
        max_size=60,
    )
)
def test_distinct_rows_equals_its_twin(rows):
    table = np.array(rows, np.uint64).reshape(len(rows), 4)
    inputs, outputs, care = table[:, :1], table[:, [1, 3]], table[:, [2, 3]]
    kept_inputs, kept_outputs, kept_care, n_contradictions = distinct_rows(inputs, outputs, care)
    expected, expected_contradictions = _distinct_twin(inputs, outputs, care)
    got = [
        list(row) for row in zip(kept_inputs.tolist(), kept_outputs.tolist(), kept_care.tolist(), strict=True)
    ]
    assert got == expected
    assert n_contradictions == expected_contradictions


def test_rows_that_agree_where_both_care_become_one_that_knows_both():
    inputs, outputs, care, n = distinct_rows(_rows([9, 9]), _rows([0b01, 0b10]), _rows([0b01, 0b10]))
    assert (inputs.tolist(), outputs.tolist(), care.tolist(), n) == ([[9]], [[0b11]], [[0b11]], 0)


def test_contradicting_rows_stay_and_are_counted():
    inputs, outputs, _, n = distinct_rows(_rows([9, 9, 9, 8]), _rows([1, 2, 1, 3]), _rows([3, 3, 3, 3]))
    assert (inputs.ravel().tolist(), outputs.ravel().tolist(), n) == ([9, 9, 8], [1, 2, 3], 1)


def test_many_contradictions_take_no_quadratic_time():
    n = 20_000
    inputs = np.zeros((n, 1), np.uint64)
    outputs = np.arange(n, dtype=np.uint64)[:, np.newaxis]
    kept, _, _, n_contradictions = distinct_rows(inputs, outputs, np.full((n, 1), 2**64 - 1, np.uint64))
    assert (len(kept), n_contradictions) == (n, n - 1)


def test_more_than_16_answers_to_one_question_are_kept_without_comparison():
    answers = [*range(20), 3, 18]
    n = len(answers)
    _, outputs, _, n_contradictions = distinct_rows(_rows([0] * n), _rows(answers), _rows([31] * n))
    assert outputs.ravel().tolist() == [*range(20), 18]
    assert n_contradictions == 20


def test_an_index_of_many_rows_is_searched_by_all_threads_alike():
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.arange(30_000, dtype=np.uint64))[:, np.newaxis]
    found = RowIndex(rows).find(np.arange(40_000, dtype=np.uint64)[:, np.newaxis])
    assert (rows[found[:30_000], 0] == np.arange(30_000)).all()
    assert (found[30_000:] == -1).all()


def test_the_arguments_are_not_changed():
    outputs, care = _rows([1, 2]), _rows([1, 2])
    distinct_rows(_rows([5, 5]), outputs, care)
    assert (outputs.tolist(), care.tolist()) == ([[1], [2]], [[1], [2]])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.lists(st.tuples(*[st.integers(0, 9)] * 2))
)
def test_an_index_finds_the_first_equal_row(rows, wanted):
    index = RowIndex(np.array(rows, np.uint64).reshape(len(rows), 2))
    found = index.find(np.array(wanted, np.uint64).reshape(len(wanted), 2))
    assert found.tolist() == [rows.index(row) if row in rows else -1 for row in wanted]
