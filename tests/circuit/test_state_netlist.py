"""Netlists with state, cut at their flip-flops."""

from pathlib import Path

import numpy as np
import pytest

from bsdgen.circuit.netlist import read_netlist, read_state_netlist
from bsdgen.errors import InputError

COUNTER = """
module counter(input clk, input up, input [1:0] at, output [3:0] shown);
  reg [3:0] count = 4'd5;
  reg [3:0] words [3:0];
  always @(posedge clk) if (up) count <= count + 1;
  always @(posedge clk) if (up) words[at] <= count;
  assign shown = words[at];
endmodule
"""


def read(folder: Path, text: str):
    file = folder / "counter.v"
    file.write_text(text)
    return read_state_netlist([file], "counter")


def test_next_state_and_outputs_are_functions_of_state_and_inputs(tmp_path: Path) -> None:
    net = read(tmp_path, COUNTER)
    free = net.inputs.count("")  # what `words` is written with when it is not: anything
    assert sorted(name for name in net.inputs if name) == ["at[0]", "at[1]", "clk", "up"]
    assert net.outputs == tuple(f"shown[{bit}]" for bit in range(4))
    names = [
        next(a for a in aliases if a[0] == "count" or a[0].startswith("words[")) for aliases in net.aliases
    ]
    assert len(names) == 20
    start = {name: value for name, value in zip(names, net.initial, strict=True) if name[0] == "count"}
    assert start == {("count", 0): True, ("count", 1): False, ("count", 2): True, ("count", 3): False}
    assert {value for name, value in zip(names, net.initial, strict=True) if name[0] != "count"} == {None}
    rng = np.random.default_rng(0)
    inputs = [name or f"free{i}" for i, name in enumerate(net.inputs)]
    for _ in range(50):
        bits = rng.integers(0, 2, len(inputs) + len(names), np.uint64)
        given = dict(zip([*inputs, *names], bits.tolist(), strict=True))
        packed = np.array([[sum(int(bit) << i for i, bit in enumerate(bits))]], np.uint64)
        out = int(net.aig.evaluate(packed)[0, 0])
        made = dict(zip([*net.outputs, *names], [out >> i & 1 for i in range(24)], strict=True))
        words = [sum(given[f"words[{w}]", bit] << bit for bit in range(4)) for w in range(4)]
        count = sum(given["count", bit] << bit for bit in range(4))
        at = given["at[0]"] + 2 * given["at[1]"]
        assert sum(made[f"shown[{bit}]"] << bit for bit in range(4)) == words[at]
        if given["up"]:
            words[at], count = count, count + 1 & 15
        assert count == sum(made["count", bit] << bit for bit in range(4))
        assert words == [sum(made[f"words[{w}]", bit] << bit for bit in range(4)) for w in range(4)]
    assert free >= 0


@pytest.mark.parametrize(
    "old,new",
    [
        ("always @(posedge clk) if (up) count", "always @(negedge clk) if (up) count"),
        ("always @(posedge clk) if (up) words", "always @(posedge up) if (1'b1) words"),
        (
            "always @(posedge clk) if (up) count",
            "always @(posedge clk, posedge up) if (up) count <= 0; else count",
        ),
        ("always @(posedge clk) if (up) count <= count + 1;", "always @* if (up) count = at;"),
    ],
)
def test_another_clock_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert COUNTER.count(old) == 1
    with pytest.raises(InputError, match="is stored otherwise than at the rising edge of clk"):
        read(tmp_path, COUNTER.replace(old, new))


def test_merging_equal_cells_first_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "twice.v"
    file.write_text(
        "module twice(input [3:0] a, b, output [4:0] x, y); assign x = a + b, y = a + b; endmodule\n"
    )
    rows = np.arange(256, dtype=np.uint64)[:, None]
    plain, merged = (read_netlist([file], "twice", merge=merge) for merge in (False, True))
    assert (plain.inputs, plain.outputs) == (merged.inputs, merged.outputs)
    assert (plain.aig.evaluate(rows) == merged.aig.evaluate(rows)).all()
    assert read_netlist([file], "").outputs == plain.outputs  # the only module is the topmost
