import json
import os
from pathlib import Path

import pytest
from small_models import adder_model

from bsdgen.circuit import aig_from_bsd, write_aiger
from bsdgen.cli.app import main
from bsdgen.errors import InputError, ToolError, UsageError
from bsdgen.synth import timing
from bsdgen.synth.design import Design, parse_compare
from bsdgen.synth.fanout import MOST_FANOUT
from bsdgen.synth.liberty import find_liberty, read_liberty
from bsdgen.synth.run import synthesise

HERE = Path(__file__).parent
TINY = HERE / "tiny.lib"
COUNTER = f"{HERE / 'counter.v'}:counter"


def need_sta() -> None:
    """OpenSTA; without it the test skips, or in CI fails."""
    if timing.find_sta() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("OpenSTA is missing; install opensta")
        pytest.skip("OpenSTA is not installed")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    adder_model().save(tmp_path / "adder")
    return tmp_path / "adder"


def test_without_opensta(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timing.shutil, "which", lambda *_: None)
    assert main(["synth", str(model), "--lib", str(TINY), "--compare", COUNTER, "--json"]) == 0
    out = capsys.readouterr()
    assert "apt-get install opensta" in out.err and "rough estimate" in out.err
    asic = json.loads(out.out)["asic"]
    adder, counter = asic["rows"]
    assert adder["name"] == "step, as learned" and counter["name"] == "counter"
    areas = {"INV": 1, "BUF": 1.5, "NAND2": 2, "NOR2": 2, "DFF": 6}
    for row in asic["rows"]:
        assert row["area"] == sum(areas[name] * count for name, count in row["cells"].items())
        assert row["abc_ns"] > 0 and row["path"] is None and row["power"]["how"] == "estimate"
        assert row["power"]["total_mw"] > row["power"]["leakage_mw"] > 0
    assert adder["sequential_area"] == adder["memory_bits"] == 0
    assert adder["proved_by"] == ["abc", "sat"] and counter["proved_by"] == []
    assert counter["cells"]["DFF"] == 8 + 16  # rvfi_valid and what drives it are no part of a core
    assert counter["memory_bits"] == 16
    assert 16 * 6 < counter["memory_area"] < counter["area"]
    assert json.loads((model / "synth.json").read_text())["asic"]["library"] == "tiny"
    assert "<svg" in (model / "synth.svg").read_text()


def test_with_opensta(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need_sta()
    words = ["synth", str(model), "--lib", str(TINY), "--compare", COUNTER, "--sta", "--clock", "50"]
    assert main([*words, "--json"]) == 0
    asic = json.loads(capsys.readouterr().out)["asic"]
    adder, counter = asic["rows"]
    assert asic["sta"] == "used" and asic["clock_mhz"] == 50
    assert adder["path"]["begins"][0] in "ab" and adder["path"]["ends"].startswith("total")
    assert adder["path"]["ns"] == pytest.approx(adder["abc_ns"], rel=0.5)
    assert counter["path"]["ns"] > 0.1  # setup alone
    assert all(row["power"]["how"] == "OpenSTA" for row in asic["rows"])
    assert main(words) == 0
    assert "MHz" in capsys.readouterr().out


def test_opensta_is_asked_for_and_missing(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timing.shutil, "which", lambda *_: None)
    assert main(["synth", str(model), "--lib", str(TINY), "--sta"]) == 4
    assert "apt-get install opensta" in capsys.readouterr().err


def test_opensta_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "sta"
    broken.write_text("#!/bin/sh\necho 'Error: out of order'\nexit 0\n")
    broken.chmod(0o755)
    monkeypatch.setattr(timing.shutil, "which", lambda *_: str(broken))
    with pytest.raises(ToolError, match=r"out of order.*--no-sta"):
        synthesise([parse_compare(COUNTER)], read_liberty(TINY))


def test_parameters_and_fanout() -> None:
    assert parse_compare(f"{COUNTER}:WIDTH=40").name == "counter:WIDTH=40"
    design = parse_compare(f"wide={COUNTER}:WIDTH=40")
    wide = synthesise([design], read_liberty(TINY), sta=False).rows[0]
    assert wide.name == "wide"
    assert wide.cells["DFF"] == 40 + 16
    assert wide.cells["BUF"] >= 40 // MOST_FANOUT  # rst goes to every bit


def test_optimised_graphs_are_rows_of_their_own(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / "optimised").mkdir()
    adder = adder_model()
    names = adder.schema.input_names(), adder.schema.output_names()
    write_aiger(model / "optimised" / "delay.aig", aig_from_bsd(adder.bsd), *names)
    assert main(["synth", str(model), "--lib", str(TINY), "--no-sta", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["asic"]["rows"]
    assert [row["name"] for row in rows] == ["step, as learned", "step, delay"]
    assert rows[0]["graph"] == rows[1]["graph"] != ""
    other = aig_from_bsd(adder_model(4).bsd)
    write_aiger(
        model / "optimised" / "delay.aig",
        type(other)(other.n_inputs, other.fanin0, other.fanin1, other.outputs ^ 1),
        *names,
    )
    assert main(["synth", str(model), "--lib", str(TINY), "--no-sta"]) == 3
    assert "bsdgen optimise" in capsys.readouterr().err


@pytest.mark.parametrize(("family", "least"), [("ecp5", 4), ("ice40", 4)])
def test_fpga(model: Path, family: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", str(model), "--fpga", family, "--compare", COUNTER, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    adder, counter = facts["fpga"][family]
    assert facts["asic"] is None
    assert adder["luts"] >= least and adder["flip_flops"] == 0
    assert counter["carries"] > 0 and counter["flip_flops"] >= 8
    assert (model / f"synth_{family}.svg").is_file()
    assert main(["synth", str(model), "--lib", str(TINY), "--no-sta"]) == 0
    assert set(json.loads((model / "synth.json").read_text())["fpga"]) == {family}  # it stays


def test_verilog_that_does_not_parse(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.v"
    bad.write_text("module bad(input a;\nendmodule\n")
    for more in (["--lib", str(TINY)], ["--fpga", "ice40"]):
        assert main(["synth", str(model), "--compare", f"{bad}:bad", "--no-sta", "-q", *more]) == 3
        err = capsys.readouterr().err
        assert "bad.v:1" in err and "syntax error" in err and len(err.strip().splitlines()) == 1


def test_places_with_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    folder.mkdir()
    for file in (TINY, HERE / "counter.v"):
        (folder / file.name).write_text(file.read_text())
    design = Design("counter", (folder / "counter.v",), "counter")
    asic = synthesise([design], read_liberty(folder / "tiny.lib"), sta=timing.find_sta() is not None)
    assert asic.rows[0].cells["DFF"] == 24


def test_no_such_module(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["synth", str(model), "--lib", str(TINY), "--compare", f"{HERE / 'counter.v'}:missing", "-q"]
    assert main(words) == 3
    assert "missing" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["counter", "x.v:", "x.v:top:WIDTH", "x.v:9top", ":top"])
def test_compare_of_another_form(text: str) -> None:
    with pytest.raises(UsageError, match="FILE"):
        parse_compare(text)


def test_compare_without_its_file(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", str(model), "--lib", str(TINY), "--compare", "none.v:none"]) == 3
    assert "none.v: is missing" in capsys.readouterr().err


def test_library_without_flip_flops(tmp_path: Path) -> None:
    text = TINY.read_text()
    start = text.index("  cell (DFF)")
    (tmp_path / "gates.lib").write_text(text[:start] + "}\n")
    design = Design("counter", (HERE / "counter.v",), "counter")
    with pytest.raises(InputError, match="counter"):
        synthesise([design], read_liberty(tmp_path / "gates.lib"), sta=False)


def test_no_liberty_anywhere(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bsdgen.synth.liberty.DEFAULT_PLACES", ())
    assert find_liberty() is None
    assert main(["synth", str(model)]) == 3
    assert "make liberty" in capsys.readouterr().err


def test_damaged_result(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / "synth.json").write_text('{"version": 99}')
    assert main(["synth", str(model), "--fpga", "ice40"]) == 3
    assert "synth.json" in capsys.readouterr().err


def test_a_library_that_says_the_wrong_function(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the cells do is read from a library that has two of them changed over."""
    from bsdgen.synth import run

    read = run.read_cells

    def changed_over(design: Design, mapped: object, work: Path) -> object:
        text = (work / "cells.lib").read_text()
        assert "(A*B)'" in text or "(A B)'" in text or "(A&B)'" in text, text[:4000]
        (work / "cells.lib").write_text(
            text.replace("cell (NAND2)", "cell (SWAP)")
            .replace("cell (NOR2)", "cell (NAND2)")
            .replace("SWAP", "NOR2")
        )
        return read(design, mapped, work)

    monkeypatch.setattr(run, "read_cells", changed_over)
    assert main(["synth", str(model), "--lib", str(TINY), "--no-sta"]) == 1
    assert "its cells are not the model's function" in capsys.readouterr().err
    assert not (model / "synth.json").exists()
