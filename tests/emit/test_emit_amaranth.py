import numpy as np
import pytest
from amaranth.back import rtlil
from standin import random_bsd, rv32i_model

from bsdgen.bsd import Bsd
from bsdgen.emit.amaranth import amaranth_text, elaborated_verilog, load_source
from bsdgen.emit.check import check_netlist
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


def literals(*values):
    return np.array(values, np.int32)


GOLDEN = '''class Result(wiring.Component):
    """Part result: 2 nodes."""

    def __init__(self):
        super().__init__({
            "a": In(2),
            "y": Out(2),
        })

    def elaborate(self, platform):
        m = Module()
        g = Gates(m)
        a = g.word(self.a)
        n3 = g.and_(a[0], ~a[1])
        n4 = g.mux(a[1], n3, a[0])
        g.drive()
        m.d.comb += self.y.eq(g.value([
            n4, ~0
        ]))
        return m


class Step(wiring.Component):
    """All parts, joined."""

    def __init__(self):
        super().__init__({
            "a": In(2),
            "y": Out(2),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.result = part = Result()
        m.d.comb += part.a.eq(self.a)
        m.d.comb += self.y.eq(part.y)
        return m
'''


def test_golden_text():
    schema = Schema((Field("a", 2, "in"), Field("y", 2, "out")))
    bsd = Bsd(2, literals(2, 4), literals(0, 2), literals(5, 6), literals(8, 1))
    text = amaranth_text(Model(bsd, schema, {}), "tiny")
    head, quotes, body = text.partition('\n"""\n')
    assert head.startswith('"""tiny: logic learned by bsdgen')
    assert quotes
    preamble, _, body = body.partition("\n\n\nclass Result")
    assert "class Gates:" in preamble and "bsdgen" not in preamble  # it stands alone
    assert f"class Result{body}" == GOLDEN


def proved(tmp_path, model, name="m"):
    source, netlist = tmp_path / f"{name}_step.py", tmp_path / f"{name}_step.v"
    source.write_text(amaranth_text(model, name))
    netlist.write_text(elaborated_verilog(source, name, model))
    return check_netlist(model, [netlist], f"{name}_step").equal


@pytest.mark.parametrize("seed", range(2))
def test_any_schema_reads_back_as_the_diagram(tmp_path, seed):
    schema = Schema(
        (
            Field("a", 40, "in"),
            Field("lambda", 1, "in"),
            Field("node", 2, "in"),
            Field("Mux", 1, "in"),
            Field("y", 64, "out", "early"),
            Field("signal", 1, "out", "signal"),
            Field("class", 3, "out", "early"),
        )
    )
    bsd = random_bsd(np.random.default_rng(seed), 44, 300, 68, window=(10**9, 20)[seed % 2])
    assert proved(tmp_path, Model(bsd, schema, {"oracle": 'quote """ and \\ backslash'}))


def test_step_function(tmp_path):
    assert proved(tmp_path, rv32i_model(), "rv")


def test_a_deep_chain_needs_no_recursion(tmp_path):
    schema = Schema((Field("a", 4, "in"), Field("y", 1, "out")))
    rng = np.random.default_rng(1)
    n = 3000
    before = 2 * (4 + np.arange(n, dtype=np.int64))
    guard = (2 * rng.integers(1, 5, n)).astype(np.int32)
    low = (before + rng.integers(0, 2, n)).astype(np.int32)
    high = (2 * rng.integers(1, 5, n)).astype(np.int32)
    model = Model(Bsd(4, guard, low, high, literals(2 * (4 + n))), schema, {})
    assert proved(tmp_path, model)


def test_constants_and_wires_only(tmp_path):
    schema = Schema((Field("a", 2, "in"), Field("y", 3, "out"), Field("k", 1, "out", "fixed")))
    bsd = Bsd(2, *(np.zeros(0, np.int32),) * 3, literals(1, 0, 5, 1))
    assert proved(tmp_path, Model(bsd, schema, {}))


@pytest.mark.parametrize("name", ["elaborate", "signature", "_a", "é"])
def test_names_that_a_component_cannot_have(name):
    schema = Schema((Field(name, 1, "in"), Field("y", 1, "out")))
    model = Model(Bsd(1, *(np.zeros(0, np.int32),) * 3, literals(2)), schema, {})
    with pytest.raises(InputError, match="Amaranth component"):
        amaranth_text(model, "m")


def test_source_is_importable_and_has_the_fields(tmp_path):
    path = tmp_path / "m_step.py"
    schema = Schema((Field("a", 2, "in"), Field("y", 2, "out")))
    bsd = Bsd(2, literals(2, 4), literals(0, 2), literals(5, 6), literals(8, 1))
    path.write_text(amaranth_text(Model(bsd, schema, {}), "m"))
    step = load_source(path).Step()
    assert len(step.a) == len(step.y) == 2
    assert "wire width 2 output" in rtlil.convert(step, name="top")
    assert not (tmp_path / "__pycache__").exists()
