"""What all formats have in common: read back, each is the model; a writer that is wrong is found out."""

import json
import re

import numpy as np
import pytest
from emit_models import SPECIAL, awkward_model, literals, plain_model, proved, unit_model, written
from standin import random_bsd, rv32i_model

from bsdgen.bsd import Bsd
from bsdgen.emit import blif, gates, rtlil
from bsdgen.emit.check import check_netlist
from bsdgen.emit.gates import gate
from bsdgen.errors import InputError, UnsuitableError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema

WHOLE = ["verilog", "structural", "rtlil", "blif", "aiger", "fusesoc"]


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("seed", range(2))
def test_awkward_names_read_back_as_the_diagram(tmp_path, form, seed):
    assert proved(form, awkward_model(seed, window=(10**9, 20)[seed]), tmp_path)


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("which", SPECIAL)
def test_special_models_read_back_as_the_diagram(tmp_path, form, which):
    assert proved(form, SPECIAL[which](), tmp_path)


@pytest.mark.parametrize("form", ["rtlil", "blif", "aiger", "structural"])
def test_step_function(tmp_path, form):
    assert proved(form, rv32i_model(), tmp_path)


def test_gates_are_their_nodes():
    """Every triple of small literals, on every assignment."""

    def value(literal, row):
        return (row >> (literal >> 1) & 1) ^ (literal & 1) if literal > 1 else literal

    for guard in range(8):
        for high in range(8):
            for low in range(8):
                made = gate(guard, high, low)
                for row in range(0, 16, 2):
                    x = [value(literal, row) for literal in made.operands]
                    got = {
                        "wire": lambda x: x[0],
                        "and": lambda x: x[0] & x[1],
                        "or": lambda x: x[0] | x[1],
                        "xor": lambda x: x[0] ^ x[1],
                        "mux": lambda x: x[1] if x[0] else x[2],
                    }[made.kind](x)
                    assert got == value(high if value(guard, row) else low, row)
                assert made.kind == "wire" or min(made.operands) > 1
                assert made.kind != "mux" or not made.operands[0] & 1


def swapped(monkeypatch, module):
    """A writer that mistakes low for high."""
    monkeypatch.setattr(module, "gate", lambda guard, high, low: gates.gate(guard, low, high))


@pytest.mark.parametrize("form, module", [("rtlil", rtlil), ("blif", blif)])
def test_a_writer_that_swaps_branches_is_found_out(tmp_path, monkeypatch, form, module):
    assert proved(form, awkward_model(), tmp_path)
    swapped(monkeypatch, module)
    assert not proved(form, awkward_model(), tmp_path)


@pytest.mark.parametrize(
    "form, old, new",
    [
        ("verilog", " ? ", " & 1'b0 ? "),
        ("structural", "assign y[1] = ", "assign y[1] = ~"),
        ("structural", "unit0_a = a[3:0]", "unit0_a = {a[0], a[1], a[2], a[3]}"),
        (
            "rtlil",
            r"connect \\A ([^\n]+)\n    connect \\B ([^\n]+)\n    connect \\S",
            r"connect \\B \1\n    connect \\A \2\n    connect \\S",
        ),
        ("blif", r"1(\d)- 1\n0-(\d) 1", r"0\1- 1\n1-\2 1"),
    ],
)
def test_one_wrong_line_is_found_out(tmp_path, form, old, new):
    model = unit_model()
    (file,) = written(form, model, tmp_path).netlists
    text = file.read_text()
    pattern = old if "(" in old else re.escape(old)
    broken = re.sub(pattern, new, text, count=1)
    assert broken != text
    file.write_text(broken)
    assert not check_netlist(model, [file], "m_step").equal


def test_other_names_are_told(tmp_path):
    model = plain_model([2, 4, 5])
    (file,) = written("blif", model, tmp_path).netlists
    file.write_text(file.read_text().replace("a[1]", "b"))
    with pytest.raises(InputError, match="inputs that the schema does not: b"):
        check_netlist(model, [file], "m_step")
    file.unlink()
    with pytest.raises(InputError, match="is missing; write it"):
        check_netlist(model, [file], "m_step")


GOLDEN_BLIF = """\
.model tiny_step
.inputs \\
  a[0] \\
  a[1]
.outputs \\
  y[0] \\
  y[1]
.names a[0] a[1] n3
10 1
.names n3 a[1] n4
10 1
01 1
.names n4 y[0]
0 1
.names y[1]
1
.end
"""

GOLDEN_RTLIL = r"""module \tiny_result
  wire width 2 input 1 \a
  wire width 2 output 2 \y
  wire \n3
  cell $_ANDNOT_ $n3
    connect \A \a [0]
    connect \B \a [1]
    connect \Y \n3
  end
  wire \n4
  cell $_XOR_ $n4
    connect \A \n3
    connect \B \a [1]
    connect \Y \n4
  end
  wire \n4_not
  cell $_NOT_ $n4_not
    connect \A \n4
    connect \Y \n4_not
  end
  connect \y [0] \n4_not
  connect \y [1] 1'1
end

attribute \top 1
module \tiny_step
  wire width 2 input 1 \a
  wire width 2 output 2 \y
  cell \tiny_result $result
    connect \a \a
    connect \y \y
  end
end
"""


def tiny():
    schema = Schema((Field("a", 2, "in"), Field("y", 2, "out")))
    return Model(Bsd(2, literals(2, 6), literals(0, 4), literals(5, 5), literals(9, 1)), schema, {})


@pytest.mark.parametrize("text, golden", [(blif.blif_text, GOLDEN_BLIF), (rtlil.rtlil_text, GOLDEN_RTLIL)])
def test_golden_text(text, golden):
    head = [line for line in text(tiny(), "tiny").splitlines(keepends=True) if line.startswith("#")]
    assert text(tiny(), "tiny").removeprefix("".join(head)).lstrip("\n") == golden
    assert any("Model sha256: " in line for line in head)


def test_aiger_has_names_and_a_digest(tmp_path):
    from bsdgen.circuit.aiger import read_aiger

    (file,) = written("aiger", tiny(), tmp_path).netlists
    net = read_aiger(file)
    assert (net.inputs, net.outputs) == (("a[0]", "a[1]"), ("y[0]", "y[1]"))
    assert b"\nc\nm: logic learned by bsdgen" in file.read_bytes()
    assert f"Model sha256: {tiny().digest}".encode() in file.read_bytes()


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for form in (*WHOLE, "pla", "dot"):
        one, two = (written(form, tiny(), tmp_path / folder).files for folder in "ab")
        assert {key: file.read_bytes() for key, file in one.items()} == {
            key: file.read_bytes() for key, file in two.items()
        }


def test_fusesoc_core_is_yaml(tmp_path):
    yaml = pytest.importorskip("yaml")
    made = written("fusesoc", awkward_model(), tmp_path, core="module m_core; endmodule\n")
    text = made.files["m.core"].read_text()
    assert text.startswith("CAPI=2:\n")
    core = yaml.safe_load(text)
    assert core["name"].startswith("bsdgen:learned:m:")
    assert set(made.files) == {
        "m.core",
        *core["filesets"]["rtl"]["files"],
        *core["filesets"]["core"]["files"],
    }
    assert core["targets"]["default"] == {"filesets": ["rtl"], "toplevel": "m_step"}
    assert core["targets"]["core"] == {"filesets": ["rtl", "core"], "toplevel": "m_core"}


def test_fusesoc_core_names_the_files_beside_it(tmp_path):
    """As the one above, as far as that goes without a YAML parser."""
    made = written("fusesoc", awkward_model(), tmp_path)
    text = made.files["m.core"].read_text()
    named = [json.loads(line[8:]) for line in text.splitlines() if line.startswith("      - ")]
    assert named == ["rtl/m_step.v"] and set(made.files) == {"m.core", *named}
    assert "m_core" not in text


def test_a_large_model_in_every_format(tmp_path):
    """20,000 nodes, deep: loops, no recursion. How long it takes is `bsdgen bench emit`'s to say."""
    schema = Schema((Field("a", 64, "in"), Field("y", 32, "out")))
    bsd = random_bsd(np.random.default_rng(7), 64, 20_000, 32, window=200)
    model = Model(bsd, schema, {})
    for form in ("verilog", "structural", "rtlil", "blif", "aiger", "dot", "fusesoc"):
        made = written(form, model, tmp_path, **({"dot_nodes": 0} if form == "dot" else {}))
        assert sum(file.stat().st_size for file in made.files.values()) > 20_000
    with pytest.raises(UnsuitableError, match="reads at most 10 inputs"):
        written("pla", model, tmp_path)
