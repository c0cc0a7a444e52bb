"""Every kind of oracle runs the shared suite; what is special to one follows."""

import numpy as np
import pytest
from protocol_suite import OracleSuite

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.errors import OracleError
from bsdgen.isa.step import step_packed
from bsdgen.oracle.checked import CheckedOracle
from bsdgen.oracle.function import FunctionOracle
from bsdgen.oracle.recorded import RecordedOracle
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema
from bsdgen.traces.store import Traces

SCHEMA = Schema(
    (Field("a", 40, "in"), Field("b", 40, "in"), Field("sum", 40, "out"), Field("less", 1, "out"))
)
_M40 = np.uint64((1 << 40) - 1)


def add(a, b):
    return {"less": a < b, "sum": (a + b) & _M40}


def _questions(n=500):
    rng = np.random.default_rng(3)
    return pack_fields(rng.integers(0, 1 << 40, (2, n), dtype=np.uint64), [40, 40])


class TestFunctionOracle(OracleSuite):
    @pytest.fixture
    def oracle(self):
        return FunctionOracle(add, SCHEMA)

    @pytest.fixture
    def questions(self):
        return _questions()

    def test_it_is_the_function(self, oracle, questions):
        outputs, care = oracle.query(questions)
        a, b = unpack_fields(questions, [40, 40])
        total, less = unpack_fields(outputs, [40, 1])
        assert (total == (a + b) & _M40).all() and (less == (a < b)).all()
        assert unpack_fields(care, [40, 1]).tolist() == [[int(_M40)] * len(a), [1] * len(a)]


class TestSimulatorOracle(OracleSuite):
    @pytest.fixture
    def oracle(self):
        return SimulatorOracle()

    @pytest.fixture
    def questions(self):
        rng = np.random.default_rng(4)
        rows = rng.integers(0, 1 << 32, (5, 3000), dtype=np.uint64)
        return pack_fields(rows, [field.width for field in RVFI_SCHEMA.inputs])

    def test_it_is_the_step_function(self, oracle, questions):
        for ours, expected in zip(oracle.query(questions), step_packed(questions), strict=True):
            assert (ours == expected).all()


def _traces(inputs):
    outputs, care = FunctionOracle(add, SCHEMA).query(inputs)
    return Traces(SCHEMA, inputs, outputs, care, "", (), len(inputs), 0)


class TestSimulatorOfRv32eBranches(OracleSuite):
    @pytest.fixture
    def oracle(self):
        return SimulatorOracle("rv32e", ("branch",))

    @pytest.fixture
    def questions(self):
        rng = np.random.default_rng(5)
        rows = rng.integers(0, 1 << 32, (5, 3000), dtype=np.uint64)
        rows[0, ::2] = rows[0, ::2] & ~np.uint64(0x7F) | np.uint64(0x63)
        return pack_fields(rows, [field.width for field in RVFI_SCHEMA.inputs])

    def test_it_cares_for_branches_alone(self, oracle, questions):
        outputs, care = oracle.query(questions)
        branch = questions[:, 0] & np.uint64(0x7F) == 0x63
        assert care[branch].any(axis=1).all() and not care[~branch].any()
        whole, whole_care = SimulatorOracle("rv32e").query(questions)
        assert (outputs == whole).all() and (care[branch] == whole_care[branch]).all()
        assert (whole != step_packed(questions)[0]).any()


class TestRecordedOracle(OracleSuite):
    @pytest.fixture
    def oracle(self):
        return RecordedOracle(_traces(_questions()))

    @pytest.fixture
    def questions(self):
        return _questions()[37:321]

    def test_it_knows_what_was_recorded(self, oracle, questions):
        assert (oracle.query(questions)[0] == FunctionOracle(add, SCHEMA).query(questions)[0]).all()

    def test_what_was_never_recorded_is_an_error(self, oracle, questions):
        questions[5] ^= np.uint64(1)
        with pytest.raises(OracleError, match=r"1 of 284 questions were never recorded, the first is row 5"):
            oracle.query(questions)

    def test_or_uncared_if_asked_for(self, questions):
        questions[5] ^= np.uint64(1)
        outputs, care = RecordedOracle(_traces(_questions()), strict=False).query(questions)
        assert not outputs[5].any() and not care[5].any()
        assert care[np.arange(284) != 5].any(axis=1).all()


class TestCheckedOracle(OracleSuite):
    @pytest.fixture
    def oracle(self):
        return CheckedOracle(FunctionOracle(add, SCHEMA), output_names=SCHEMA.output_names())

    @pytest.fixture
    def questions(self):
        return _questions()


def _ask(function, n=4):
    return FunctionOracle(function, SCHEMA).query(_questions(n))


def test_a_tuple_is_taken_in_the_schema_s_order():
    expected = _ask(add)[0]
    assert (_ask(lambda a, b: ((a + b) & _M40, a < b))[0] == expected).all()
    assert (_ask(lambda a, b: [(a + b) & _M40, (a < b).astype(np.int8)])[0] == expected).all()


def test_one_output_may_come_alone():
    schema = Schema((Field("a", 4, "in"), Field("q", 4, "out")))
    oracle = FunctionOracle(lambda a: a ^ np.uint64(15), schema)
    assert oracle.query(np.array([[5]], np.uint64))[0].tolist() == [[10]]


def test_a_negative_value_does_not_fit_even_64_bits():
    schema = Schema((Field("a", 4, "in"), Field("q", 64, "out")))
    right = FunctionOracle(lambda a: a | np.uint64(1 << 63), schema)
    assert right.query(np.array([[5]], np.uint64))[0].tolist() == [[5 | 1 << 63]]
    with pytest.raises(OracleError, match="value -1 in row 0 does not fit 64 bits"):
        FunctionOracle(lambda a: -np.ones(1, np.int64), schema).query(np.array([[5]], np.uint64))


@pytest.mark.parametrize(
    "function,said",
    [
        (
            lambda a, b: {"sum": a},
            r"returned the names sum; expected sum, less \(missing: less; unknown: none\)",
        ),
        (lambda a, b: {"sum": a, "less": a < b, "carry": a}, r"missing: none; unknown: carry"),
        (lambda a, b: (a,), "returned 1 arrays, expected 2"),
        (lambda a, b: a, "returned ndarray, expected a dictionary or tuple"),
        (lambda a, b: None, "returned NoneType"),
        (lambda a, b: (a.astype(np.float64), a < b), "output 'sum': has type float64"),
        (lambda a, b: (np.full(4, np.nan), a < b), "output 'sum': has type float64"),
        (lambda a, b: (a, ["x"] * 4), "output 'less': has type <U1"),
        (lambda a, b: (a, [None] * 4), "output 'less': has type object"),
        (lambda a, b: (a, a[:3] < b[:3]), r"output 'less': has shape \(3,\), expected \(4,\)"),
        (lambda a, b: (a, True), r"output 'less': has shape \(\), expected \(4,\)"),
        (lambda a, b: (a[:, np.newaxis], a < b), r"output 'sum': has shape \(4, 1\)"),
        (
            lambda a, b: (a | np.uint64(1 << 40), a < b),
            "output 'sum': value .* in row 0 does not fit 40 bits",
        ),
        (
            lambda a, b: (a, np.array([1, 0, 2, 0])),
            "output 'less': value 2 in row 2 does not fit 1 bits.*& 0x1",
        ),
        (lambda a, b: (a, np.array([0, 0, 0, -1])), "output 'less': value -1 in row 3 does not fit 1 bits"),
        (lambda a: (a, a), r"raised TypeError.*keyword arguments a, b"),
        (lambda a, b: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_function_that_answers_wrongly_is_named_with_the_field(function, said):
    with pytest.raises(OracleError, match=f"oracle test_kinds:.*{said}"):
        _ask(function)
