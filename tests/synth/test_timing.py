"""OpenSTA on small designs whose critical path is known from one that is easier."""

import os
from pathlib import Path

import pytest
from test_synth import TINY, need_sta

from bsdgen.cli.app import main
from bsdgen.errors import InputError
from bsdgen.synth.design import Design, parse_compare
from bsdgen.synth.liberty import find_liberty, read_liberty
from bsdgen.synth.result import AsicRow
from bsdgen.synth.run import synthesise

CHAIN = "(* keep *) wire [40:0] c; assign c[0] = from; assign c[40:1] = ~c[39:0];"


def timed(folder: Path, body: str, *, clock: float = 100.0, library: str = "") -> AsicRow:
    """A module with ports clk, clk2, en, rst, d and q."""
    file = folder / "t.v"
    file.write_text(
        f"module t(input clk, input clk2, input en, input rst, input d, output reg q);\n{body}\nendmodule\n"
    )
    lib = TINY
    if library:
        lib = folder / "cells.lib"
        lib.write_text(library)
    return synthesise([Design("t", (file,), "t")], read_liberty(lib), clock_mhz=clock, sta=True).rows[0]


def chain(launch: str, capture: str) -> str:
    """A flip-flop, a multiplication of 6 bits that stays long, a flip-flop."""
    return (
        "reg [5:0] a; reg [11:0] p; "
        f"always @({launch}) a <= {{a[4:0], d}}; "
        f"always @({capture}) p <= a * {{a[0], a[5:1]}}; "
        f"always @({capture}) q <= p[11] ^ p[6];"
    )


def ns(row: AsicRow) -> float:
    assert row.path is not None, row.note
    return row.path.ns


def test_the_path_does_not_depend_on_the_clock_that_power_is_told_at(tmp_path: Path) -> None:
    need_sta()
    plain = timed(tmp_path, chain("posedge clk", "posedge clk"))
    assert ns(plain) == pytest.approx(ns(timed(tmp_path, chain("posedge clk", "posedge clk"), clock=1)))
    assert ns(plain) > 1


def test_two_clocks(tmp_path: Path) -> None:
    need_sta()
    wanted = ns(timed(tmp_path, chain("posedge clk", "posedge clk")))
    body = "reg r; always @(posedge clk) r <= d; " + chain("posedge clk2", "posedge clk2").replace(
        ", d}", ", r}"
    )
    assert ns(timed(tmp_path, body)) == pytest.approx(wanted, rel=0.1)


def test_half_a_period_counts_twice(tmp_path: Path) -> None:
    need_sta()
    whole = ns(timed(tmp_path, chain("posedge clk", "posedge clk")))
    half = ns(timed(tmp_path, chain("posedge clk", "negedge clk")))
    assert half == pytest.approx(2 * whole, rel=0.2)
    assert half == pytest.approx(ns(timed(tmp_path, chain("posedge clk", "negedge clk"), clock=1)))


def test_a_clock_behind_a_gate(tmp_path: Path) -> None:
    need_sta()
    wanted = ns(timed(tmp_path, chain("posedge clk", "posedge clk")))
    gated = "wire g = clk & en; reg r; always @(posedge clk) r <= d; "
    row = timed(tmp_path, gated + chain("posedge g", "posedge g").replace(", d}", ", r}"))
    assert ns(row) == pytest.approx(wanted, rel=0.3)
    alone = timed(tmp_path, "wire g = clk & en; " + chain("posedge g", "posedge g"))
    assert alone.path is None and "no clock reaches" in alone.note
    divided = "reg half; always @(posedge clk) half <= ~half; " + chain("posedge half", "posedge half")
    assert "no clock reaches" in timed(tmp_path, divided).note


def test_a_library_in_picoseconds(tmp_path: Path) -> None:
    need_sta()
    body = chain("posedge clk", "posedge clk")
    plain = timed(tmp_path, body)
    told = TINY.read_text().replace('time_unit : "1ns"', 'time_unit : "1ps"')
    row = timed(tmp_path, body, library=told)
    assert ns(row) == pytest.approx(ns(plain) / 1000, rel=1e-2)
    assert row.power.total_mw == pytest.approx(plain.power.total_mw, rel=0.5)


def test_an_asynchronous_reset_is_no_path(tmp_path: Path) -> None:
    """Its recovery, which is short or negative, stood first in OpenSTA's report."""
    need_sta()
    library = find_liberty()
    if library is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the liberty is missing; `make liberty` gets it")
        pytest.skip("no liberty with such flip-flops; `make liberty` gets one")
    reset = (
        "always @(posedge clk or negedge rst) if (!rst) r <= 0; else r <= d; always @(posedge clk) q <= r;"
    )
    row = timed(tmp_path, f"reg r; {reset}", library=library.read_text())
    assert row.cells["DFFSR"] == 1
    assert ns(row) > 0.1 and row.path is not None and row.path.begins != "rst"


def test_what_yosys_refuses_is_the_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="NOPE"):
        synthesise(
            [parse_compare(f"{TINY.parent / 'counter.v'}:counter:NOPE=1")], read_liberty(TINY), sta=False
        )
    file = tmp_path / "t.v"
    file.write_text("module t(input en, input d, output reg q); always @* if (en) q = d; endmodule\n")
    with pytest.raises(InputError, match="latches are not supported"):
        synthesise([Design("t", (file,), "t")], read_liberty(TINY), sta=False)


def test_two_designs_of_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["--compare", f"{TINY.parent / 'counter.v'}:counter"] * 2
    assert main(["synth", str(tmp_path), *twice]) == 2
    assert "two designs are called 'counter'" in capsys.readouterr().err
