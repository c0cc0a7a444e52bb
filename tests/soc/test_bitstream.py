"""Bitstreams: what the tools are asked, and what is made of their answers; the tools in one slow test."""

import json
import os
import re
import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest
from boards_needed import needs_amaranth_boards
from standin import rv32i_model
from tiny_elf import tiny_elf, words

from bsdgen.artifacts import sha256, sole_writer
from bsdgen.cli.app import main
from bsdgen.errors import InputError, ToolError, ToolTimeout, UsageError
from bsdgen.isa.program import load_program
from bsdgen.model import Model
from bsdgen.soc import bitstream, netlist, simulator
from bsdgen.soc.bitstream import Built, build_bitstream, find_tool
from bsdgen.soc.boards import BOARDS, find_board
from bsdgen.soc.contents import check_contents
from bsdgen.soc.layout import RAM_BASE
from bsdgen.soc.simulator import Ran, Streams, run
from bsdgen.soc.simulator import build as simulate_build

PROGRAMS = Path(__file__).parents[2] / "sim" / "soc"
LOOP = 0x0000006F  # jal x0, .

# Stands in for nextpnr, whose names of clocks it has: says what FMAX holds, a word a run, leaves what it
# was asked, and a routed design that holds the program.
PLACER = """#!/usr/bin/env python3
import json, os, pathlib, sys
asked = pathlib.Path("asked.txt")
asked.write_text((asked.read_text() if asked.exists() else "") + " ".join(sys.argv[1:]) + "\\n")
n = len(asked.read_text().splitlines())
fmax = os.environ["FMAX"].split()[n - 1]
if fmax == "full":
    error = "ERROR: no BELs remaining to implement cell type 'ICESTORM_RAM'"
    pathlib.Path("top.tim").write_text("Info: placing\\n" + error + "\\n")
    sys.exit(255)
divided = "set_frequency divided" in pathlib.Path("top.pcf").read_text()
clocks = {"cd_sync.clk": {"achieved": 99.0}, "core_clk_$glb_clk": {"achieved": float(fmax)}}
if not divided:
    clocks = {"cd_sync.clk_$glb_clk": {"achieved": float(fmax)}}
else:
    clocks["cd_sync.clk"]["achieved"] = 1.0  # of the divider; nobody asks
used = {"ICESTORM_LC": {"available": 5280, "used": 1986}, "ICESTORM_DSP": {"available": 8, "used": 0}}
pathlib.Path("report.json").write_text(json.dumps({"fmax": clocks, "utilization": used}))
words = pathlib.Path(os.environ.get("ROUTED", "image.hex")).read_text()
pathlib.Path("top.asc").write_text(".logic_tile 1 1\\n1111\\n\\n.ram_data 6 15\\n" + words + "\\n.sym 1 a\\n")
"""
PACKER = """#!/bin/sh
cat image.hex > "$2" || exit 1
"""


def _build(tmp_path: Path, program: str, *more: str, board: str = "icebreaker") -> list[str]:
    if not (tmp_path / "cpu").exists():
        rv32i_model().save(tmp_path / "cpu")
    words_ = ["soc", "build", str(PROGRAMS / f"{program}.elf"), "-b", board, "-m", str(tmp_path / "cpu")]
    return [*words_, *more]


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
    assert made.program_bits == 6
    if made.fmax_hz < made.clock_hz:
        assert not made.bitstream and not (tmp_path / "out" / "top.bin").exists()
    else:
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
        ToolError, match=r"icebreaker \(iCEBreaker, iCE40UP5K\).*ICESTORM_RAM.*its log is .*/out/top\.tim$"
    ):
        built(tmp_path)
    assert not (tmp_path / "out" / "top.bin").exists()


@pytest.mark.parametrize(
    ("board", "said"),
    [("ulx3s", "16,384 TRELLIS_DPR16X4 of 10,455"), ("icebreaker", "65,536 flip-flops of 5,280")],
)
@pytest.mark.usefixtures("tools")
def test_a_shell_whose_memory_does_not_fit_is_refused_before_synthesis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], board: str, said: str
) -> None:
    monkeypatch.setattr(bitstream, "run_yosys", lambda *args, **options: pytest.fail("synthesis"))
    assert main(_build(tmp_path, "hello", "--shell", "single", board=board)) == 2
    told = capsys.readouterr().err
    assert said in told and "use --shell fpga" in told


@pytest.mark.usefixtures("tools")
def test_synthesis_that_does_not_end_names_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def endless(*args: object, **options: object) -> str:
        raise ToolTimeout("Yosys did not end")

    monkeypatch.setattr(bitstream, "run_yosys", endless)
    assert main(_build(tmp_path, "hello")) == 4
    assert "Yosys did not end for icebreaker (iCEBreaker, iCE40UP5K) within 900 s" in capsys.readouterr().err


@pytest.mark.usefixtures("tools")
def test_a_design_without_the_program_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.hex").write_text("0000006e\n")
    monkeypatch.setenv("ROUTED", str(tmp_path / "other.hex"))
    monkeypatch.setenv("FMAX", "12.5")
    with pytest.raises(
        ToolError, match=r"top\.asc: its block RAM has 5 bits that are one, expected the program's 6"
    ):
        built(tmp_path)
    assert not (tmp_path / "out" / "top.bin").exists()


def test_bits_of_block_ram_are_counted_in_both_formats(tmp_path: Path) -> None:
    held = np.array([0x6F, 0xFFFFFFFF], np.uint32)
    (tmp_path / "a.asc").write_text(
        ".io_tile 1 2\n11\n\n.ram_data 6 1\n0f00\n00ff\n\n.ram_data 19 1\n3\n\n11\n.sym 1 a\n"
    )
    (tmp_path / "a.config").write_text(
        "unknown: F1B0\n\n.bram_init 3\n0f0 00f 1ff\n\n.tile R1\nenum: 1ff\n.bram_init 4\n003\n"
    )
    assert check_contents(tmp_path / "a.config", "ecp5", np.array([0x7FFFF], np.uint32)) == 19
    with pytest.raises(ToolError, match="has 14 bits that are one, expected the program's 38"):
        check_contents(tmp_path / "a.asc", "ice40", held)


@pytest.mark.usefixtures("tools")
def test_nothing_of_an_earlier_build_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAX", "full")
    old = ("top.bin", "top.json", "top.asc", "report.json", "netlist.v", "netlist_simulator", "printed.txt")
    (tmp_path / "out").mkdir()
    for name in (*old, "notes.txt"):
        (tmp_path / "out" / name).write_text("old")
    with pytest.raises(ToolError):
        built(tmp_path)
    here = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert not {name for name in old if here.get(name) == b"old"} and here["notes.txt"] == b"old"


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
    words_ = _build(tmp_path, "hello")
    document = tmp_path / "cpu" / "soc" / "icebreaker" / "build.json"
    monkeypatch.setenv("FMAX", "12.5 2 2 2 full")
    assert main(words_) == 0 and document.is_file()
    facts = json.loads(document.read_text())
    assert facts["program_sha256"] == sha256(PROGRAMS / "hello.elf")
    with sole_writer(document):
        assert main(words_) == 3 and document.is_file()
    capsys.readouterr()
    assert main(words_) == 1
    told = capsys.readouterr().err
    assert "the timing allows 2.0 MHz" in told and "there is no bitstream" in told
    assert not document.with_name("top.bin").exists()
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


# Stands in for the simulator of a netlist: it prints PRINTS and ends as RESULT says.
NETLIST = """#!/bin/sh
printf "$PRINTS"
for word; do case $word in result=*) echo "$RESULT" > "${word#result=}";; esac; done
"""
_RIGHT = "type lines, an empty one ends\n"


@pytest.mark.parametrize(
    ("changes", "prints", "code", "said"),
    [
        ({}, _RIGHT, 0, ""),
        (
            {},
            _RIGHT.replace("empty", "emptX"),
            1,
            r"printed b' an emptX one en', expected b' an empty one en', at byte 19",
        ),
        ({}, "", 1, r"printed b'', expected b'type lin', at byte 0"),
        ({"cycles": 1}, _RIGHT, 1, r"cycles is 1, expected \d+"),
        ({"code": 7}, _RIGHT, 1, "code is 7, expected 0"),
        ({"ended": False}, _RIGHT, 1, "ended is False, expected True"),
    ],
)
@pytest.mark.usefixtures("tools")
def test_a_netlist_that_does_anything_else_is_told(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict,
    prints: str,
    code: int,
    said: str,
) -> None:
    """Output, exit code and cycles are those of the system before synthesis."""
    shared = tmp_path_factory.getbasetemp() / "compared"  # one model and simulator for all cases
    if not shared.exists():
        rv32i_model().save(shared / "cpu")
    simulator = simulate_build(Model.load(shared / "cpu"), shared / "cpu", 1 << 13, "fpga")
    program = load_program(PROGRAMS / "echo.elf")
    streams = Streams(Path(os.devnull), tmp_path / "printed")
    right = msgspec.to_builtins(run(simulator, program, 1 << 13, streams=streams))
    assert right["ended"] and (tmp_path / "printed").read_text() == _RIGHT

    def stand_in(
        model: object,
        folder: object,
        board: object,
        shell: object,
        program: object,
        target: Path,
        progress: object,
    ) -> Path:
        target.write_text(NETLIST)
        target.chmod(0o755)
        return target

    monkeypatch.setattr(netlist, "synthesised_simulator", stand_in)
    monkeypatch.setenv("FMAX", "12.5")
    monkeypatch.setenv("PRINTS", prints)
    monkeypatch.setenv("RESULT", json.dumps(right | changes))
    assert main(_build(shared, "echo", "--simulate", "-o", str(tmp_path / "out"))) == code
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.usefixtures("tools")
def test_a_program_that_does_not_end_on_the_netlist_has_used_up_its_cycles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(False, 0, False, 1000, 400, 0, 0, RAM_BASE, 0, 0, 0.1)
    monkeypatch.setattr(netlist, "synthesised_simulator", lambda *args: tmp_path)
    monkeypatch.setattr(simulator, "build", lambda *args: tmp_path)

    def runs(*args: object, streams: Streams, **options: object) -> Ran:
        assert streams.printed is not None
        streams.printed.write_text("")
        return ran

    monkeypatch.setattr(simulator, "run", runs)
    monkeypatch.setenv("FMAX", "12.5")
    assert main(_build(tmp_path, "blink", "--simulate", "--max-cycles", "1000")) == 5
    assert "has not ended on the netlist within 1,000 cycles" in capsys.readouterr().err


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
    assert main(_build(tmp_path, "hello", "--simulate", "--json", "--quiet")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert Path(facts["bitstream"]).stat().st_size > 100_000
    assert 0 < facts["used"]["ICESTORM_LC"] < 5280 and facts["used"]["ICESTORM_RAM"] <= 30
    assert facts["fmax_hz"] >= facts["clock_hz"]
    assert facts["simulated"]["ended"] and facts["simulated"]["code"] == 0 and not facts["differs"]
    netlist = Path(facts["bitstream"]).with_name("netlist.v").read_text()
    assert netlist.count("SB_RAM40_4K #(") == facts["used"]["ICESTORM_RAM"]
    assert "beef 0000BEEF ! 100 %" in facts["printed"]
