"""Units as `bsdgen.inspect` shows them, held against the diagram and the function that was learned."""

import dataclasses
import functools

import numba
import numpy as np
import pytest

from bsdgen.bits import pack_fields
from bsdgen.inspect import Inspection
from bsdgen.inspect.overview import overview
from bsdgen.inspect.units import concatenation, units, where
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.model import Model
from bsdgen.oracle.function import FunctionOracle
from bsdgen.traces.schema import Field, Schema

SCHEMA = Schema(
    (
        Field("op", 1, "in"),
        Field("a", 12, "in"),
        Field("b", 12, "in"),
        Field("i", 4, "in"),
        Field("y", 12, "out"),
    )
)
WIDTHS = [1, 12, 12, 4]


def add(op: np.ndarray, a: np.ndarray, b: np.ndarray, i: np.ndarray) -> dict[str, np.ndarray]:
    """a and b, or a and a short word with its sign."""
    sign = np.where(i >> np.uint64(3) == 1, np.uint64(0xFF0), np.uint64(0))
    return {"y": (a + np.where(op == 1, b, sign | i)) & np.uint64(0xFFF)}


@functools.cache
def learned() -> Inspection:
    before = numba.get_num_threads()
    config = LearnConfig(n_bank=1024, n_check=1 << 18, jobs=1, control_gain=0.01)
    learner = BsdLearner(config).fit(FunctionOracle(add, SCHEMA))
    numba.set_num_threads(before)
    return Inspection(Model(learner.bsd_, SCHEMA, {"speculation": learner.ledger_summary_}, learner.ledger_))


def test_the_adder_and_its_operands_are_found() -> None:
    (unit,) = units(learned())
    assert unit["functions"] == "y[11:0]" and unit["n_functions"] == 12 and unit["n_operands"] == 24
    assert [(use["use"], use["base"], use["outputs"]) for use in unit["uses"]] == [
        (1, True, "y[11:0]"), (2, False, "y[11:0]"),
    ]  # fmt: skip
    assert {use["where"] for use in unit["uses"]} == {"op=0", "op=1"}
    wheres = [use["where"] for use in unit["uses"]]
    chosen = [
        {choice["is"]: sorted(wheres[use - 1] for use in choice["uses"]) for choice in operand["choices"]}
        for operand in unit["operands"]
    ]
    assert {"a[11:0]": ["op=0", "op=1"]} in chosen and len(chosen) == 2
    assert {"{9{i[3]}, i[2:0]}": ["op=0"], "b[11:0]": ["op=1"]} in chosen
    assert 12 <= unit["nodes"] < learned().bsd.n_nodes


def test_what_is_said_is_true() -> None:
    """On rows of a use, each operand is what stands there, and each output is the unit's function."""
    of = learned()
    rng = np.random.default_rng(4)
    words = rng.integers(0, 1 << 12, (4, 200), np.uint64) & np.array(
        [[1], [0xFFF], [0xFFF], [0xF]], np.uint64
    )
    rows, extra = pack_fields(words, WIDTHS), of.model.extra
    said = add(*words)["y"]

    def values(literal: int, inside: np.ndarray) -> np.ndarray:
        return of.bsd.evaluate_each(rows[inside], np.full(int(inside.sum()), literal, np.int32))

    def inside(context: int) -> np.ndarray:
        return ((rows & extra["unit_mask"][context]) == extra["unit_value"][context]).all(axis=1)

    operands = {int(v): int(x) for _, v, x in extra["unit_operand"]}
    assert len(extra["unit_choice"]) >= 48 and len(extra["unit_output"]) == 24
    for _, context, variable, literal in extra["unit_choice"]:
        at = inside(context)
        assert at.sum() > 50
        assert np.array_equal(values(operands[int(variable)], at), values(int(literal), at))
    for _, context, output, literal in extra["unit_output"]:
        at = inside(context)
        assert np.array_equal(values(int(literal), at), said[at] >> np.uint64(output) & np.uint64(1) == 1)


def test_overview_counts_units() -> None:
    facts = overview(learned())
    assert (facts["units"], facts["unit_uses"]) == (1, 2)
    assert facts["nodes_before_sharing"] > facts["nodes"]


def test_a_model_without_sharing_has_none(of: Inspection, old: Inspection) -> None:
    for model in (of, old):
        facts = overview(model)
        assert units(model) == [] and (facts["units"], facts["unit_uses"]) == (0, 0)
        assert facts["nodes_before_sharing"] is None


@pytest.mark.parametrize(
    ("literals", "text"),
    [
        ([4, 6, 8], "a[2:0]"),
        ([8, 6, 4], "a[0:2]"),
        ([5, 7, 9], "!a[2:0]"),
        ([0, 1, 28, 30, 32, 32, 32], "{3{b[2]}, b[1:0], 1, 0}"),
        ([0, 0, 26, 28, None, None], "{2{-}, b[0], a[11], 2{0}}"),
        ([6], "a[1]"),
        ([4, 4], "{2{a[0]}}"),
    ],
)
def test_concatenations(literals: list[int | None], text: str) -> None:
    """Ranges stay inside a field; bits in their order, against it, complemented, repeated."""
    assert concatenation(learned(), literals) == text


def test_contexts_that_were_split_on_a_function() -> None:
    """Their cube alone does not say where they are."""
    of = learned()
    only = np.ones(len(of.model.extra["unit_mask"]), np.bool_)
    only[1] = False
    view = Inspection(dataclasses.replace(of.model, extra={**of.model.extra, "unit_is_cube": only}))
    assert where(view, 1) == where(of, 1) + " on one side of a function" and where(view, 0) == where(of, 0)
