"""Bitstreams: what the tools are asked, and what is made of their answers; the tools in one slow test."""

import importlib.util
import json
import os
import stat
from pathlib import Path

import pytest
from standin import rv32i_model
from tiny_elf import tiny_elf, words

from bsdgen.artifacts import sole_writer
from bsdgen.cli.app import main
from bsdgen.errors import InputError, ToolError, UsageError
from bsdgen.isa.program import load_program
from bsdgen.soc import bitstream
from bsdgen.soc.bitstream import Built, build_bitstream, find_tool
from bsdgen.soc.boards import BOARDS, find_board
from bsdgen.soc.layout import RAM_BASE

PROGRAMS = Path(__file__).parents[2] / "sim" / "soc"
LOOP = 0x0000006F  # jal x0, .

# Stands in for nextpnr: says what FMAX holds, a line a run, and leaves what it was asked.
PLACER = """#!/usr/bin/env python3
import json, os, pathlib, sys
asked = pathlib.Path("asked.txt")
asked.write_text((asked.read_text() if asked.exists() else "") + " ".join(sys.argv[1:]) + "\\n")
answers = os.environ["FMAX"].split()
fmax = answers[len(asked.read_text().splitlines()) - 1]
if fmax == "full":
    sys.exit("Info: placing\\nERROR: no BELs remaining to implement cell type 'ICESTORM_RAM'")
clocks = {"clk12": {"achieved": 99.0}, "divided": {"achieved": float(fmax)}}
if len(asked.read_text().splitlines()) == 1:
    clocks = {"clk12": {"achieved": float(fmax)}}
used = {"ICESTORM_LC": {"available": 5280, "used": 1986}, "ICESTORM_DSP": {"available": 8, "used": 0}}
pathlib.Path("report.json").write_text(json.dumps({"fmax": clocks, "utilization": used}))
"""
PACKER = """#!/bin/sh
cat image.hex > "$2" || exit 1
"""


def needs_amaranth_boards() -> None:
    if importlib.util.find_spec("amaranth_boards") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("amaranth-boards is missing; install bsdgen[fpga]")
        pytest.skip("NO BOARDS: amaranth-boards is missing (pip install 'bsdgen[fpga]')")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins on the path, and no synthesis."""
    needs_amaranth_boards()
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, text in (("nextpnr-ice40", PLACER), ("icepack", PACKER)):
        (folder / name).write_text(text)
        (folder / name).chmod((folder / name).stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(bitstream, "run_yosys", lambda *args, **options: "")


def built(tmp_path: Path, shell: str = "fpga") -> Built:
    (tmp_path / "loop.elf").write_bytes(tiny_elf(words(LOOP)))
    program = load_program(tmp_path / "loop.elf")
    board = find_board("icebreaker")
    return build_bitstream(rv32i_model(), tmp_path / "cpu", board, shell, program, tmp_path / "out")


@pytest.mark.parametrize(
    ("fmax", "divide", "clock_hz"),
    [("12.5", 1, 12e6), ("11 6.1", 2, 6e6), ("11 5 3.5", 4, 3e6), ("11 5 2.5", 4, 3e6)],
)
@pytest.mark.usefixtures("tools")
def test_the_clock_is_one_that_the_timing_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fmax: str, divide: int, clock_hz: float
) -> None:
    monkeypatch.setenv("FMAX", fmax)
    made = built(tmp_path)
    assert (made.divide, made.clock_hz) == (divide, clock_hz)
    assert made.fmax_hz == 1e6 * float(fmax.rsplit(maxsplit=1)[-1])
    assert (made.used, made.available) == ({"ICESTORM_LC": 1986}, {"ICESTORM_LC": 5280})
    assert Path(made.bitstream).read_text() == "0000006f\n"
    asked = (tmp_path / "out" / "asked.txt").read_text().splitlines()
    assert len(asked) == len(fmax.split())
    for words_ in ("--up5k", "--package sg48", "--pcf top.pcf", "--report report.json", "--seed 1"):
        assert words_ in asked[0]
    assert "set_io" in (tmp_path / "out" / "top.pcf").read_text()
    assert "read_verilog  ram.v" in (tmp_path / "out" / "top.ys").read_text()


@pytest.mark.usefixtures("tools")
def test_a_part_that_is_too_small_says_what_ran_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAX", "full")
    with pytest.raises(
        ToolError, match=r"icebreaker \(iCEBreaker, iCE40UP5K\).*ICESTORM_RAM.*the shell fpga needs fewer"
    ):
        built(tmp_path, "single")
    assert not (tmp_path / "out" / "top.bin").exists()


@pytest.mark.usefixtures("tools")
def test_part_of_a_bitstream_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAX", "12.5 12.5")
    bitstream = Path(built(tmp_path).bitstream)
    (tmp_path / "tools" / "icepack").write_text(
        '#!/bin/sh\necho part > "$2"; echo "Error: full" >&2; exit 1\n'
    )
    with pytest.raises(ToolError, match="Error: full"):
        built(tmp_path)
    assert not bitstream.exists()


@pytest.mark.usefixtures("tools")
def test_results_are_those_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an earlier run says of itself goes as the next one begins; two at once are refused."""
    rv32i_model().save(tmp_path / "cpu")
    words_ = ["soc", "build", str(PROGRAMS / "hello.elf"), "-b", "icebreaker", "-m", str(tmp_path / "cpu")]
    document = tmp_path / "cpu" / "soc" / "icebreaker" / "build.json"
    monkeypatch.setenv("FMAX", "12.5 2 2 2 full")
    assert main(words_) == 0 and document.is_file()
    with sole_writer(document):
        assert main(words_) == 3 and document.is_file()
    capsys.readouterr()
    assert main(words_) == 1 and "the timing allows 2.0 MHz" in capsys.readouterr().err
    assert main(words_) == 4 and not document.exists()


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(
        ToolError, match=r"nextpnr-ecp5 is missing; install it with `pip install 'bsdgen\[fpga\]'`"
    ):
        find_tool("nextpnr-ecp5", "ecp5")
    with pytest.raises(UsageError, match="board 'arty' is unknown; expected one of ulx3s, icebreaker"):
        find_board("arty")


@pytest.mark.usefixtures("tools")
def test_a_program_that_does_not_fit_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "large.elf").write_bytes(tiny_elf(words(LOOP), in_memory=8193))
    board = find_board("icebreaker")
    with pytest.raises(InputError, match="the memory is 0x80000000 to 0x80001fff"):
        build_bitstream(
            rv32i_model(),
            tmp_path / "cpu",
            board,
            "fpga",
            load_program(tmp_path / "large.elf"),
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_a_build_script_of_another_amaranth_is_refused() -> None:
    script = '"$YOSYS" -q top.ys\n"$ICEPACK" top.asc "a b.bin"\n'
    assert bitstream._arguments(script, "ICEPACK") == ["top.asc", "a b.bin"]
    with pytest.raises(ToolError, match="does not call NEXTPNR_ICE40"):
        bitstream._arguments(script, "NEXTPNR_ICE40")


def test_boards_fit_the_committed_programs() -> None:
    """All but the one that asks for more memory run on the smallest board."""
    least = min(board.ram_bytes for board in BOARDS.values())
    for path in PROGRAMS.glob("*.elf"):
        top = load_program(path).symbols["__stack_top"] - RAM_BASE
        assert top <= (65536 if path.stem == "primes" else least), path.stem


@pytest.mark.slow
def test_a_bitstream_and_the_netlist_after_synthesis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Yosys, nextpnr and icepack, and a program on the netlist in Verilator."""
    needs_amaranth_boards()
    try:
        find_tool("nextpnr-ice40", "ice40")
    except ToolError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"NO BITSTREAM: {error}")
    rv32i_model().save(tmp_path / "cpu")
    words_ = ["soc", "build", str(PROGRAMS / "hello.elf"), "-b", "icebreaker", "-m", str(tmp_path / "cpu")]
    assert main([*words_, "--simulate", "--json", "--quiet"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert Path(facts["bitstream"]).stat().st_size > 100_000
    assert 0 < facts["used"]["ICESTORM_LC"] < 5280 and facts["used"]["ICESTORM_RAM"] <= 30
    assert facts["fmax_hz"] >= facts["clock_hz"]
    assert facts["simulated"]["ended"] and facts["simulated"]["code"] == 0
    assert "beef 0000BEEF ! 100 %" in facts["printed"]
