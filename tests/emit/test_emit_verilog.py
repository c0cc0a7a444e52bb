import numpy as np
import pytest
from standin import random_bsd, rv32i_model

from bsdgen.bsd import Bsd
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.emit.check import check_netlist
from bsdgen.emit.parts import split_parts
from bsdgen.emit.verilog import verilog_text
from bsdgen.errors import InputError
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


def literals(*values):
    return np.array(values, np.int32)


def half_adder():
    """One node is the sum, one the carry; `late` reads one input only."""
    schema = Schema(
        (
            Field("a", 2, "in"),
            Field("b", 1, "in"),
            Field("sum", 2, "out"),
            Field("late", 1, "out", "other"),
        )
    )
    bsd = Bsd(3, literals(2, 2), literals(6, 0), literals(7, 6), literals(8, 10, 5))
    return Model(bsd, schema, {"oracle": "module:function"})


GOLDEN = """\
module tiny_result (
  input  wire [1:0]  a,
  input  wire        b,
  output wire [1:0]  sum
);
  wire n4 = a[0] ^ b;
  wire n5 = a[0] & b;
  assign sum[0] = n4;
  assign sum[1] = n5;
endmodule

module tiny_other (
  input  wire [1:0]  a,
  output wire        late
);
  assign late = ~a[1];
endmodule

module tiny_step (
  input  wire [1:0]  a,
  input  wire        b,
  output wire [1:0]  sum,
  output wire        late
);
  tiny_result result (
    .a(a),
    .b(b),
    .sum(sum)
  );
  tiny_other other (
    .a(a),
    .late(late)
  );
endmodule
"""


def test_golden_text():
    text = verilog_text(half_adder(), "tiny")
    head, _, body = text.partition("\n\n")
    assert body == GOLDEN
    assert all(line.startswith("// ") for line in head.splitlines())
    assert "Oracle asked: module:function" in head
    assert "tiny_result: 2 nodes; a, b -> sum" in head


@pytest.mark.parametrize(
    "n_files,said",
    [
        (0, "1,234"),
        (1, "1,234 in p0.parquet"),
        (7, "1,234 in " + "".join(f"p{i}.parquet, " for i in range(5)) + "2 more"),
    ],
)
def test_header_tells_rows_and_files(n_files, said):
    files = [{"path": f"traces/p{i}.parquet", "rows": 5, "tools": {"numpy": "2"}} for i in range(n_files)]
    model = half_adder()
    info = {"traces": {"rows": 1234, "contradictions": 0, "files": files, "differing": 0}}
    text = verilog_text(Model(model.bsd, model.schema, info), "tiny")
    assert f"\n// Recorded rows: {said}\n" in text


def test_header_of_a_model_without_rows_tells_none():
    model = half_adder()
    info = {"traces": {"rows": 0, "contradictions": 0, "files": [], "differing": 0}}
    assert "Recorded rows" not in verilog_text(Model(model.bsd, model.schema, info), "tiny")


def test_a_part_has_only_the_inputs_that_it_reads():
    parts = {part.name: part for part in split_parts(rv32i_model())}
    names = {key: [field.name for field in part.inputs] for key, part in parts.items()}
    assert names["source"] == ["insn"]
    assert names["request"] == ["insn", "rs1_rdata", "rs2_rdata"]
    assert names["result"] == ["insn", "pc_rdata", "rs1_rdata", "rs2_rdata", "mem_rdata"]


def proved(tmp_path, model, name="m"):
    path = tmp_path / f"{name}.v"
    path.write_text(verilog_text(model, name))
    return check_netlist(model, [path], f"{name}_step").equal


def test_names_that_verilog_keeps_for_itself(tmp_path):
    schema = Schema(
        (
            Field("output", 2, "in"),
            Field("reg", 1, "in"),
            Field("n5", 1, "in"),
            Field("result", 2, "out"),
            Field("module", 1, "out", "begin"),
        )
    )
    bsd = random_bsd(np.random.default_rng(1), 4, 20, 3)
    assert proved(tmp_path, Model(bsd, schema, {}))


@pytest.mark.parametrize("seed", range(4))
def test_any_schema_reads_back_as_the_diagram(tmp_path, seed):
    rng = np.random.default_rng(seed)
    schema = Schema(
        (
            Field("a", 40, "in"),
            Field("c", 1, "in"),
            Field("y", 64, "out", "early"),
            Field("z", 1, "out"),
            Field("w", 3, "out", "early"),
        )
    )
    bsd = random_bsd(rng, 41, 300, 68, window=(10**9, 20)[seed % 2])
    assert proved(tmp_path, Model(bsd, schema, {"oracle": "line\nbreak */ `x"}))


def test_constants_and_wires_only(tmp_path):
    schema = Schema((Field("a", 2, "in"), Field("y", 3, "out"), Field("k", 1, "out", "fixed")))
    bsd = Bsd(2, *(np.zeros(0, np.int32),) * 3, literals(1, 0, 5, 1))
    assert proved(tmp_path, Model(bsd, schema, {}))


def test_step_function_and_one_broken_gate(tmp_path):
    model = rv32i_model()
    assert proved(tmp_path, model, "rv")
    path = tmp_path / "rv.v"
    text = path.read_text()
    gate = next(line for line in reversed(text.splitlines()) if line.startswith("  wire n") and " & " in line)
    path.write_text(text.replace(gate, gate.replace(" & ", " | ")))
    answer = check_netlist(model, [path], "rv_step")
    assert not answer.equal
    assert aig_from_bsd(model.bsd).evaluate(answer.inputs[None, :]) is not None


@pytest.mark.parametrize("part", ["step", "two words", "é"])
def test_parts_that_cannot_name_a_module(part):
    schema = Schema((Field("a", 1, "in"), Field("y", 1, "out", part)))
    model = Model(Bsd(1, *(np.zeros(0, np.int32),) * 3, literals(2)), schema, {})
    with pytest.raises(InputError, match="cannot name a module"):
        verilog_text(model, "m")
