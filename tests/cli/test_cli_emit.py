"""``bsdgen emit``: formats, their options, what is told and what is left out."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from small_models import Builder, adder_model

from bsdgen.bsd import Bsd
from bsdgen.circuit import Aig
from bsdgen.cli.app import main
from bsdgen.emit import DEFAULT_FORMATS, FORMATS
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema


@pytest.fixture
def adder(tmp_path: Path) -> Path:
    adder_model(4).save(tmp_path / "adder")
    return tmp_path / "adder"


def folders(model: Path) -> set[str]:
    return {path.name for path in model.iterdir() if path.is_dir()}


def test_the_default_is_verilog_and_amaranth(adder: Path) -> None:
    assert main(["emit", str(adder), "-q"]) == 0
    assert folders(adder) == set(DEFAULT_FORMATS) == {"verilog", "amaranth"}
    assert (adder / "circuit.aig").is_file()


def test_all_formats(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit", str(adder), "-f", "all", "--rounds", "0", "--json", "-q"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert folders(adder) == set(FORMATS)
    assert all(Path(file).is_file() for file in files)
    assert len(files) == len([path for path in adder.rglob("*") if path.is_file()]) - 2  # model.json, .npz


def test_options_of_single_formats(adder: Path) -> None:
    words = ["emit", str(adder), "-q", "--rounds", "0", "-f", "pla", "-f", "dot", "--pla-inputs", "4"]
    assert main([*words, "--dot-output", "total[1]", "--dot-nodes", "2"]) == 0
    assert sorted(path.name for path in (adder / "pla").glob("*.pla")) == [
        "adder_total_0.pla",
        "adder_total_1.pla",
    ]
    drawn = (adder / "dot" / "adder.dot").read_text()
    assert '"total[1]"' in drawn and '"total[0]"' not in drawn and "more nodes" in drawn


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["-f", "vhdl"], 2, "'vhdl' is not one of 'verilog'"),
        (["-f", "pla", "--pla-inputs", "1"], 3, "raise --pla-inputs"),
        (["-f", "pla", "--pla-inputs", "40"], 2, "must be 1 to 14, not 40"),
        (["-f", "dot", "--dot-output", "sum"], 2, "output 'sum' is unknown"),
        (["-f", "dot", "--dot-nodes", "-3"], 2, "must be 0 (all) or more, not -3"),
    ],
)
def test_bad_input_leaves_nothing(
    adder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    before = sorted(adder.rglob("*"))
    assert main(["emit", str(adder), "-q", *words]) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert sorted(adder.rglob("*")) == before


def test_a_format_that_cannot_hold_the_model_is_left_out_of_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No output is small, and a field cannot be a member of an Amaranth component."""
    schema = Schema((Field("elaborate", 16, "in"), Field("y", 1, "out")))
    build = Builder(16)
    Model(build.build([build.and_(*(build.var(i) for i in range(16)))]), schema, {}).save(tmp_path / "wide")
    assert main(["emit", str(tmp_path / "wide"), "-f", "all"]) == 0
    said = capsys.readouterr().err
    assert "pla: no output bit reads at most 10 inputs (the smallest reads 16)" in said
    assert "cannot be a member of an Amaranth component" in said
    assert folders(tmp_path / "wide") == set(FORMATS) - {"pla", "amaranth"}
    for form in ("pla", "amaranth"):
        assert main(["emit", str(tmp_path / "wide"), "-f", form, "-q"]) == 3


@pytest.mark.parametrize(
    "fields, roots, left_out",
    [
        ([Field("a", 2, "in")], [], {"pla"}),
        ([Field("y", 2, "out")], [0, 1], {"pla"}),
        ([Field("a", 1, "in"), Field("y", 1, "out")], [3], set()),
    ],
    ids=["no outputs", "no inputs", "an inverter"],
)
def test_models_of_next_to_nothing(
    tmp_path: Path, fields: list[Field], roots: list[int], left_out: set[str]
) -> None:
    empty, schema = np.zeros(0, np.int32), Schema(tuple(fields))
    bsd = Bsd(schema.n_inputs, empty, empty, empty, np.array(roots, np.int32))
    Model(bsd, schema, {}).save(tmp_path / "m")
    assert main(["emit", str(tmp_path / "m"), "-f", "all", "-q"]) == 0
    assert folders(tmp_path / "m") == set(FORMATS) - left_out


def test_large_circuits_are_optimised_when_asked_for(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(import_module("bsdgen.cli.emit"), "_MOST_ANDS", 3)
    asked: list[int] = []

    def unchanged(aig: Aig, rounds: int) -> Aig:
        asked.append(rounds)
        return aig

    monkeypatch.setattr(import_module("bsdgen.circuit.optimise"), "optimise", unchanged)
    words = ["emit", str(adder), "-f", "blif"]
    assert main(words) == 0 and "AND nodes are not optimised" in capsys.readouterr().err
    assert main([*words, "--rounds", "1"]) == 0 and "not optimised" not in capsys.readouterr().err
    assert asked == [0, 1] and (adder / "circuit.aig").is_file()
