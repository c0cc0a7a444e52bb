"""Names that clash: with keywords, with each other, with a file's own names, with modules of cores."""

import numpy as np
import pytest
from emit_models import proved, written
from msgspec.structs import replace
from standin import random_bsd, rv32i_model

from bsdgen.core.shells import SHELLS, shell_module, write_shells
from bsdgen.emit import emit
from bsdgen.emit.amaranth import amaranth_text
from bsdgen.emit.parts import model_name, split_parts, written_from
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.prove.core import core_function, read_core
from bsdgen.prove.shell import BUSES, read_shell, shell_function
from bsdgen.traces.schema import Field, Schema, load_schema


def model_of(inputs, outputs, parts=("result",)):
    """Random logic; outputs go to the parts in turn."""
    fields = [Field(name, 1 + at % 2, "in") for at, name in enumerate(inputs)]
    fields += [Field(name, 1 + at % 2, "out", parts[at % len(parts)]) for at, name in enumerate(outputs)]
    schema = Schema(tuple(fields))
    bsd = random_bsd(np.random.default_rng(3), schema.n_inputs, 40, schema.n_outputs, 20)
    return Model(bsd, schema, {})


@pytest.mark.parametrize("form", ["verilog", "amaranth", "structural", "rtlil"])
@pytest.mark.parametrize(
    "parts",
    [
        ("and", "true", "none", "False"),
        ("_x", "__", "_1", "x"),
        ("gates", "step_", "registers", "pc"),
        ("y", "y_", "y__", "module"),
    ],
)
def test_parts(tmp_path, form, parts):
    assert proved(form, model_of(("a", "b", "c"), ("y", "z", "v", "w"), parts), tmp_path)


@pytest.mark.parametrize("form", ["verilog", "amaranth"])
@pytest.mark.parametrize(
    "inputs",
    [
        ("in", "in_", "in__", "is"),
        ("m", "m_", "g", "g_"),
        ("Gates", "Gates_", "Result", "self"),
        ("n3", "n_3", "n__3"),
    ],
)
def test_fields(tmp_path, form, inputs):
    assert proved(form, model_of(inputs, ("lambda", "y", "y_not", "and_1")), tmp_path)


def test_inputs_stay_apart():
    """Two names that the writer has to change must not become one variable."""
    text = amaranth_text(model_of(("in", "in_", "m", "m_"), ("y",)), "t")
    assert "(in_,) = g.word" in text or "in_ = g.word" in text
    assert "in__ = g.word" in text or "(in__,) = g.word" in text


@pytest.mark.parametrize("part", ["registers", "pc", "phase", "insn", "order", "trapped"])
def test_a_core_keeps_the_names_of_its_state(tmp_path, part):
    """A proof finds the state by them."""
    model = rv32i_model()
    fields = (replace(field, part=field.part.replace("source", part)) for field in model.schema.fields)
    model = Model(model.bsd, Schema(tuple(fields)), {})
    folder = tmp_path / "cpu"
    emit(model, folder, ["verilog"], check=False)
    write_shells(model, folder, ["single", "fpga"])
    verilog = folder / "verilog"
    core_function(read_core([verilog / "cpu_core.v", verilog / "cpu_step.v"], "cpu_core"), "cpu_core")
    net = read_shell([verilog / "cpu_fpga.v", verilog / "cpu_step.v"], "cpu_fpga")
    shell_function(net, "cpu_fpga", BUSES["fpga"])


@pytest.mark.parametrize("part", ["step", *(shell_module("", shell)[1:] for shell in SHELLS)])
def test_modules_that_are_no_parts(tmp_path, part):
    with pytest.raises(InputError, match=rf"part '{part}' cannot name a module; .* other than step, core"):
        split_parts(model_of(("a",), ("y",), (part,)))
    (tmp_path / "s.toml").write_text(f'[[field]]\nname="y"\nwidth=1\nrole="out"\npart="{part}"\n')
    with pytest.raises(InputError, match="cannot name a module"):
        load_schema(tmp_path / "s.toml")


def test_the_elaboration_says_what_it_is_of(tmp_path):
    model = model_of(("a",), ("y",))
    files = written("amaranth", model, tmp_path / "m", name=model_name(tmp_path / "m")).files
    assert written_from(files["m_step.v"]) == model.digest
