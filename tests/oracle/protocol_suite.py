"""What every oracle must do: subclass, give `oracle` and `questions` as fixtures."""

import numpy as np

from bsdgen.bits import n_words
from bsdgen.oracle.checked import CheckedOracle
from bsdgen.oracle.protocol import Oracle


class OracleSuite:
    def test_it_is_an_oracle(self, oracle):
        assert isinstance(oracle, Oracle)
        assert oracle.n_inputs > 0 and oracle.n_outputs > 0

    def test_answers_have_one_packed_row_a_question(self, oracle, questions):
        for part in oracle.query(questions):
            assert part.dtype == np.uint64
            assert part.shape == (len(questions), n_words(oracle.n_outputs))
            spare = oracle.n_outputs % 64
            assert not spare or not (part[:, -1] >> np.uint64(spare)).any()

    def test_an_empty_batch_has_an_empty_answer(self, oracle, questions):
        for part in oracle.query(questions[:0]):
            assert (part.dtype, part.shape) == (np.uint64, (0, n_words(oracle.n_outputs)))

    def test_an_answer_depends_on_its_question_alone(self, oracle, questions):
        outputs, care = oracle.query(questions)
        backwards, care_backwards = oracle.query(np.ascontiguousarray(questions[::-1]))
        assert (backwards[::-1] == outputs).all() and (care_backwards[::-1] == care).all()
        one, care_one = oracle.query(questions[:1])
        assert (one == outputs[:1]).all() and (care_one == care[:1]).all()

    def test_the_question_is_not_changed_and_the_answer_is_not_shared(self, oracle, questions):
        before = questions.copy()
        outputs, care = oracle.query(questions)
        first = outputs.copy(), care.copy()
        outputs[:], care[:] = 0, 0
        assert (questions == before).all()
        again = oracle.query(questions)
        assert (again[0] == first[0]).all() and (again[1] == first[1]).all()

    def test_it_passes_the_checks(self, oracle, questions):
        checked = CheckedOracle(oracle)
        outputs, care = checked.query(questions)
        expected = oracle.query(questions)
        assert (outputs == expected[0]).all() and (care == expected[1]).all()
        assert checked.n_queries == len(questions)
