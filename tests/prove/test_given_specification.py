"""Functions of any fields, against a specification that the user gives."""

import json
from pathlib import Path

import pytest
from small_models import adder_model

from bsdgen.cli.app import main

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
        (RIGHT.replace("total", "sum_"), "lacks the outputs total"),
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


def test_a_file_that_is_not_there(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(adder), "--spec", "nowhere.v", "-q"]) == 3
    assert "nowhere.v: is missing" in capsys.readouterr().err


def test_options_that_make_no_sense(adder: Path) -> None:
    words = spec(adder, RIGHT)
    assert main([*words, "--isa", "rv32i", "-q"]) == 2
    assert main([*words, "--stage", "core", "-q"]) == 2
    assert main([*words, "--instruction", "add", "-q"]) == 2
