"""Shared functions as modules: named operands, no late inputs, and the same function whatever was shared."""

import re
from dataclasses import replace

import numpy as np
import pytest
from emit_models import awkward_model, literals, proved, unit_model, written
from small_models import adder_model

from bsdgen.bsd import Bsd
from bsdgen.emit.shared_units import schedule, shared_units
from bsdgen.emit.structural import structural_text
from bsdgen.emit.verilog import verilog_text
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


def modules(text):
    """Bodies of the modules by name."""
    return dict(re.findall(r"^module (\w+) \((.*?)^endmodule", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("width", [2, 4, 8])
def test_reads_back_as_the_diagram(tmp_path, width):
    assert proved("structural", unit_model(width), tmp_path)


def test_the_unit_is_a_module_with_named_operands():
    text = structural_text(unit_model(4), "m")
    found = modules(text)
    assert list(found) == ["m_unit0", "m_result", "m_other", "m_step"]
    ports = re.findall(r"(input|output)\s+wire (\[\d:0\])?\s*(\w+)", found["m_unit0"])
    assert [(way, width, name) for way, width, name in ports] == [
        ("input", "[3:0]", "a"), ("input", "[3:0]", "b"), ("output", "[3:0]", "y"), ("output", "[1:0]", "z"),
    ]  # fmt: skip
    assert "  wire [3:0] unit0_a = a[3:0];\n" in found["m_result"]
    assert re.search(r"  wire \[3:0\] unit0_b = \{~?n\d+, ~?n\d+, ~?n\d+, ~?n\d+\};", found["m_result"])
    assert "m_unit0 unit0 (.a(unit0_a), .b(unit0_b), .y(unit0_y), .z(unit0_z));" in found["m_result"]
    assert "unit0" not in found["m_other"]  # one node of it is no unit
    assert "// use 2: y[3:0] where op=0" in text and "//   m_unit0: " in text
    assert "// b[3:0] is !b[3:0] in use 1\n//     {3{!c[1]}, !c[0]} in use 2\n" in text


def late_model():
    """As `unit_model`, but `late` is y[2]: it needs most of the unit, and no highest bit of its operands."""
    model = unit_model(4)
    bsd = model.bsd
    roots = literals(*bsd.roots[:5], bsd.roots[2])
    return Model(Bsd(bsd.n_inputs, bsd.guard, bsd.low, bsd.high, roots), model.schema, {}, model.extra)


def test_no_part_reads_an_input_late(tmp_path):
    """What a part does not need of a unit's operands is 0 there, and its ports are those of `verilog`."""
    late = late_model()
    text = structural_text(late, "m")
    heads = {name: body.partition(");")[0] for name, body in modules(text).items() if "unit" not in name}
    assert heads == {name: body.partition(");")[0] for name, body in modules(verilog_text(late, "m")).items()}
    assert "wire [3:0] unit0_a = {1'b0, a[2:0]};" in modules(text)["m_other"]
    assert proved("structural", late, tmp_path)


def test_without_units_it_is_the_plain_verilog():
    for model in (adder_model(4), awkward_model()):
        assert structural_text(model, "m") == verilog_text(model, "m")


@pytest.mark.parametrize("seed", range(8))
def test_any_units_whatever_they_share(tmp_path, seed):
    """Units that overlap, wait for each other, have odd operands: whatever was saved, the function stands."""
    rng = np.random.default_rng(seed)
    model = awkward_model(seed, n_nodes=150, window=(10**9, 30)[seed % 2])
    bsd, first, n_units = model.bsd, 1 + model.bsd.n_inputs, 4
    top = 2 * (first + bsd.n_nodes)
    operand, choice, output = [], [], []
    for unit in range(n_units):
        for variable in rng.permutation(bsd.n_inputs)[:6]:
            stands = int(rng.integers(-1, top // 3))
            operand.append((unit, variable, stands))
            choice += [(unit, place, variable, int(rng.integers(0, 2 * first))) for place in (0, 1)]
        for position in rng.permutation(bsd.n_outputs)[:5]:
            output += [(unit, place, position, int(rng.integers(-1, top))) for place in (0, 1)]
    extra = {
        "unit_base": np.zeros(n_units, np.int32),
        "unit_operand": np.array(operand, np.int32),
        "unit_choice": np.array(choice, np.int32),
        "unit_output": np.array(output, np.int32),
        "unit_mask": np.zeros((2, 1), np.uint64),
        "unit_value": np.zeros((2, 1), np.uint64),
    }
    model = replace(model, extra=extra)
    units = shared_units(model)
    nodes = [index for unit in units for index in unit.nodes]
    assert len(nodes) == len(set(nodes)) and units
    assert proved("structural", model, tmp_path)


def test_order_of_nodes_and_groups():
    """3 = f(1), 4 = f(3), 5 = f(4): a group of 3 and 5 would wait for 4, which waits for it."""
    bsd = Bsd(2, literals(2, 6, 8), literals(0, 0, 0), literals(4, 4, 4), literals(10))
    every = [True] * 6
    assert schedule(bsd, [], every) == [3, 4, 5]
    assert schedule(bsd, [{4, 5}], every) == [3, -1]
    assert schedule(bsd, [{4}], [True, True, True, True, True, False]) == [3, -1]
    assert schedule(bsd, [{3, 5}], every) is None


def test_a_name_like_that_of_a_unit(tmp_path):
    model = unit_model(4)
    fields = tuple(
        Field("unit0_a", field.width, "in") if field.name == "a" else field for field in model.schema.fields
    )
    renamed = Model(model.bsd, Schema(fields), {}, model.extra)
    assert proved("structural", renamed, tmp_path)
    assert "unit_0_a = unit0_a[3:0]" in structural_text(renamed, "m")


def test_files(tmp_path):
    assert list(written("structural", unit_model(), tmp_path).files) == ["m_step.v"]
