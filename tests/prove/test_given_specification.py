"""Functions of any fields, against a specification that the user gives."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from small_models import adder_model

from bsdgen.artifacts import read_json, sha256
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import NamedAig, write_aiger
from bsdgen.cli.app import main
from bsdgen.emit import emit
from bsdgen.errors import ToolError, ToolTimeout
from bsdgen.model import Model
from bsdgen.prove import engines, given, run, stages

RIGHT = "module sum(input [3:0] a, b, output [4:0] total); assign total = a + b; endmodule\n"
CARE = (
    "module sum(input [3:0] a, b, output [4:0] total, total_care);\n"
    "  assign total = a | b;\n  assign total_care = {5{(a & b) == 0}};\nendmodule\n"
)


@pytest.fixture
def adder(tmp_path: Path) -> Path:
    folder = tmp_path / "adder"
    adder_model().save(folder)
    return folder


def spec(folder: Path, text: str, name: str = "spec.v") -> list[str]:
    file = folder.parent / name
    file.write_text(text)
    return ["prove", str(folder), "--stage", "diagram", "--spec", str(file)]


def test_without_one_there_is_a_way_out(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(adder)]) == 3
    err = capsys.readouterr().err
    assert "no built-in specification of a function with the fields a, b, total" in err
    assert "--spec FILE" in err


@pytest.mark.parametrize("text,name", [(RIGHT, "spec.v"), (RIGHT, "spec.sv"), (CARE, "spec.v")])
def test_proved(adder: Path, text: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*spec(adder, text, name), "--json", "-q"]) == 0
    proof = json.loads(capsys.readouterr().out)
    assert proof["verdict"] == "proved" and proof["specification"] == name
    (row,) = proof["stages"][0]["outputs"]
    assert (row["name"], row["cared"], row["proved"]) == ("total", 5, {"abc": 5, "sat": 5})
    assert proof["stages"][0]["instructions"] == []


@pytest.mark.parametrize("engine", ["abc", "sat", "both"])
def test_disproved(adder: Path, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = RIGHT.replace("a + b;", "a + b + (a == 7 && b == 9);")
    assert main([*spec(adder, wrong), "--engine", engine, "-q", "--json"]) == 1
    out = capsys.readouterr()
    assert "wrong in total" in out.err
    (example,) = json.loads(out.out)["stages"][0]["counterexamples"]
    assert example["inputs"] == {"a": "0x7", "b": "0x9"}
    assert (example["expected"], example["got"]) == ({"total": "0x11"}, {"total": "0x10"})


@pytest.mark.parametrize(
    "text,message",
    [
        (RIGHT.replace("total", "sum_"), "has an output sum_, expected total and <output>_care"),
        (RIGHT.replace("[4:0] total", "[3:0] total"), "total has 4 bits, expected 5"),
        (RIGHT.replace("[4:0] total", "[5:0] total"), "total has 6 bits, expected 5"),
        (RIGHT.replace("a, b,", "a, input [2:0] b,"), "b has 3 bits"),
        (CARE.replace("total_care", "totl_care"), "has an output totl_care"),
        (
            CARE.replace("[4:0] total, total_care", "[4:0] total, output [3:0] total_care"),
            "total_care has 4 bits",
        ),
        (CARE.replace("{5{(a & b) == 0}}", "0"), "total_care is 0 for every input"),
        (CARE.replace("{5{(a & b) == 0}}", "{5{a < 3 && a > 12}}"), "total_care is 0 for every input"),
        (RIGHT.replace("a, b", "a, b, c"), "has inputs that the schema does not: c"),
        (
            RIGHT.replace("assign total", "reg [4:0] r; always @(posedge a[0]) r <= b; assign total"),
            "latches",
        ),
        ("module sum(", "cannot be a specification"),
    ],
)
def test_what_cannot_be_one(adder: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "latches" in message:
        text = text.replace("a + b", "a + r")
    assert main([*spec(adder, text), "-q"]) == 3
    assert message in capsys.readouterr().err
    assert not (adder / "proof.json").exists()


def test_a_survey_that_is_wrong_proves_nothing(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One engine alone says what means something: no bit is left unproved because of it."""
    wrong = RIGHT.replace("a + b;", "(a + b) ^ ((a == 7 && b == 9) << 4);")
    real = run.survey

    def lies(*arguments: Any) -> Any:
        return [live - {4} for live in real(*arguments)]  # total[4], which is wrong

    monkeypatch.setattr(run, "survey", lies)
    assert main([*spec(adder, wrong), "-q"]) == 1
    facts = read_json(adder / "proof_partial.json")
    assert facts["verdict"] == "disproved" and facts["stages"][0]["outputs"][0]["wrong"] == ["total[4]"]
    monkeypatch.setattr(run, "survey", lambda workers, of, cells, engine: [frozenset()] * len(cells))
    assert main([*spec(adder, RIGHT), "-q"]) == 3  # nothing of nothing is no proof


def test_an_engine_that_takes_too_long_leaves_it_undecided(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(*_: object) -> None:
        raise ToolTimeout("yosys-abc did not end within 1 s")

    monkeypatch.setattr(engines, "_refuted_by_abc", slow)
    monkeypatch.setattr(given, "cared_positions", lambda *_: range(5))
    assert main(spec(adder, RIGHT)) == 5
    assert "undecided to be spec.v" in capsys.readouterr().out
    (row,) = read_json(adder / "proof_partial.json")["stages"][0]["outputs"]
    assert row["proved"] == {"abc": 0, "sat": 5}
    assert main([*spec(adder, RIGHT), "--engine", "abc", "-q"]) == 5  # asked what means something, too


def written(folder: Path) -> None:
    """Write what is proved besides the diagram."""
    model = adder_model()
    emit(model, folder, ["verilog"], check=False)
    names = model.schema.input_names(), model.schema.output_names()
    write_aiger(folder / "circuit.aig", aig_from_bsd(model.bsd), *names)


def test_what_was_proved_is_pinned(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is no proof of the model, and a run without an end leaves none of an earlier one."""
    written(adder)
    words = [word for word in spec(adder, RIGHT) if word not in ("--stage", "diagram")]
    whole, part = adder / "proof.json", adder / "proof_partial.json"
    assert main([*words, "-q"]) == 0
    facts = read_json(whole)
    assert not facts["partial"] and not part.exists()
    files = {
        "diagram": ["model.npz", "model.json"],
        "circuit": ["circuit.aig"],
        "verilog": ["verilog/adder_step.v"],
    }
    assert {stage["name"]: stage["artifacts"] for stage in facts["stages"]} == {
        stage: {name: sha256(adder / name) for name in names} for stage, names in files.items()
    }
    wrong = [*words[:-1], str(adder.parent / "wrong.v")]
    Path(wrong[-1]).write_text(RIGHT.replace("a + b", "a - b"))
    for more in (["--stage", "diagram"], ["--engine", "sat"]):
        part.unlink(missing_ok=True)
        assert main([*wrong, *more, "-q"]) == 1
        assert read_json(part)["partial"] and read_json(whole) == facts
    with monkeypatch.context() as patch:
        patch.setattr(engines, "_refuted_by_sat", Mock(side_effect=ToolError("the solver broke down")))
        assert main([*words, "-q"]) == 4
    assert not whole.exists()


def test_bytes_are_read_once(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hashed is what is proved, even if the file changes meanwhile."""
    written(adder)
    real, file = stages.read_aiger, adder / "circuit.aig"
    before = sha256(file)

    def late(path: Path) -> NamedAig:
        file.write_bytes(b"another one")
        return real(path)

    monkeypatch.setattr(stages, "read_aiger", late)
    model = Model.load(adder)
    (adder.parent / "spec.v").write_text(RIGHT)
    of = given.read_specification(adder.parent / "spec.v", model.schema)
    assert stages.load_stage("circuit", model, adder, of).artifacts == {"circuit.aig": before}


def test_a_file_that_is_not_there(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(adder), "--spec", "nowhere.v", "-q"]) == 3
    assert "nowhere.v: is missing" in capsys.readouterr().err


def test_options_that_make_no_sense(adder: Path) -> None:
    words = spec(adder, RIGHT)
    assert main([*words, "--isa", "rv32i", "-q"]) == 2
    assert main([*words, "--stage", "core", "-q"]) == 2
    assert main([*words, "--instruction", "add", "-q"]) == 2
