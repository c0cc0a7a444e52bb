import numpy as np
import pytest

from bsdgen.circuit import tools
from bsdgen.circuit.netlist import order_by_schema, read_netlist
from bsdgen.errors import InputError, ToolError, ToolRefusal, ToolTimeout
from bsdgen.traces.schema import Field, Schema


def test_missing_package_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pip install pyosys"):
        tools.abc_binary()


def test_errors_of_abc(tmp_path):
    with pytest.raises(ToolError, match="yosys-abc"):
        tools.run_abc(["read_aiger none.aig", "strash"], cwd=tmp_path)
    with pytest.raises(ToolError, match="resyn2"):
        tools.run_abc(["resyn2"], cwd=tmp_path)
    with pytest.raises(ToolTimeout, match=r"did not end within 0\.01 s"):
        tools.run_abc(["sleep -n 5"], timeout_s=0.01)


def test_errors_of_yosys(tmp_path):
    bad = tmp_path / "bad.v"
    bad.write_text("module bad(input a output b); endmodule\n")
    with pytest.raises(ToolRefusal, match="syntax error"):
        read_netlist([bad], "bad")
    bad.write_text("module bad(input a, output b); endmodule\n")
    with pytest.raises(ToolError) as told:
        tools.run_yosys([f"read_verilog {bad}", "write_verilog /nowhere/at/all.v"], cwd=tmp_path)
    assert not isinstance(told.value, ToolRefusal)  # that says nothing of the source
    with pytest.raises(InputError, match="is missing"):
        read_netlist([tmp_path / "none.v"], "bad")


def test_a_folder_with_a_space(tmp_path, monkeypatch):
    place = tmp_path / "a b"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    source = place / "and.v"
    source.write_text("module m(input [1:0] a, output y); assign y = &a; endmodule\n")
    assert read_netlist([source], "m").outputs == ("y",)


def test_the_time_that_abc_has_is_the_time_that_was_given(monkeypatch):
    """Its own limit is looked at between two of its steps only."""
    from bsdgen.circuit import equivalence
    from bsdgen.circuit.aig import Aig

    given = []

    def run(commands, *, cwd, timeout_s):
        given.append(timeout_s)
        return "Networks are UNDECIDED.  Time =     3.00 sec"

    monkeypatch.setattr(equivalence, "run_abc", run)
    none = np.zeros(0, np.int32)
    aig = Aig(1, none, none, np.array([2], np.int32))
    with pytest.raises(ToolTimeout, match=r"gave no answer within 2\.5 s"):
        equivalence.abc_equal(aig, aig, timeout_s=2.5)
    assert given == [2.5]


def test_ports_must_be_the_fields(tmp_path):
    source = tmp_path / "and.v"
    source.write_text("module m(input [1:0] a, output y); assign y = &a; endmodule\n")
    net = read_netlist([source], "m")
    good = Schema((Field("a", 2, "in"), Field("unused", 3, "in"), Field("y", 1, "out")))
    aig = order_by_schema(net, good)
    assert (aig.n_inputs, aig.n_ands) == (5, 1)
    with pytest.raises(InputError, match="inputs that the schema does not: a"):
        order_by_schema(net, Schema((Field("b", 2, "in"), Field("y", 1, "out"))))
    with pytest.raises(InputError, match="lacks the outputs z"):
        order_by_schema(net, Schema((Field("a", 2, "in"), Field("z", 1, "out"))))
