"""``bsdgen inspect``: what it prints, its JSON, and its errors."""

import json
from pathlib import Path

import pytest
from small_models import adder_model, decoder_model

from bsdgen.cli.app import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    decoder_model().save(tmp_path / "decoder")
    return tmp_path / "decoder"


@pytest.mark.parametrize(
    "option", ["--shared", "--operands", "--distance", "--node=200", "--output=rd_wdata"]
)
def test_every_view_prints(folder: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder), option]) == 0
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > 2 and "\x1b" not in printed
    assert main(["inspect", str(folder), option, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts.keys() - {"model"} >= {option.strip("-").split("=")[0]}


def test_overview_of_an_older_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "no ledger of its speculations" in printed and "160 bits" in printed


def test_views_add_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder), "--shared", "--distance", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"model", "shared", "guards", "distance"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--contexts"], 3, "holds no control tree"),
        (["--node", "3"], 2, "node 3: there is no such node"),
        (["--output", "trp"], 2, "did you mean 'trap'?"),
        (["--svg", "x.svg"], 2, "--svg draws a --node or an --output"),
        (["--output", "rd_wdata", "--svg", "x.svg"], 2, "give one as rd_wdata[0]"),
    ],
)
def test_errors(
    folder: Path, options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(folder), *options]) == code
    printed = capsys.readouterr()
    assert message in printed.err and printed.out == ""


def test_pictures(tmp_path: Path) -> None:
    adder_model(4).save(tmp_path / "adder")
    for number, options in enumerate((["--output", "total[3]"], ["--node", "10"])):
        picture = tmp_path / f"{number}.svg"
        assert main(["inspect", str(tmp_path / "adder"), *options, "--svg", str(picture), "-q"]) == 0
        text = picture.read_text(encoding="utf-8")
        assert text.startswith("<?xml") and options[1].split("[")[0] in text
