"""``bsdgen inspect``: what it prints, its JSON, and its errors."""

import dataclasses
import json
from pathlib import Path

import pytest
from small_models import adder_model, decoder_model

from bsdgen.cli.app import main
from bsdgen.learn.ledger import Ledger
from bsdgen.model import Model

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspect") / "adder"
    schema = str(ROOT / "examples" / "adder.toml")
    assert main(["learn", "--oracle", "examples.adder:add", "--schema", schema, "-o", str(folder), "-q"]) == 0
    return folder


def test_what_a_learned_model_shows(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(learned), "--contexts"]) == 0
    assert "all rows  #0" in capsys.readouterr().out
    assert main(["inspect", str(learned)]) == 0
    printed = capsys.readouterr().out
    assert "What was speculated" in printed and "0 of" in printed and "95 % upper bound" in printed
    bsd = Model.load(learned).bsd
    assert main(["inspect", str(learned), "--node", str(int(bsd.roots[0]) >> 1)]) == 0
    printed = capsys.readouterr().out
    assert "stands for" in printed and "confirmed" in printed and "equation" in printed


def test_recheck(learned: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["inspect", str(learned), "--recheck", "30", "--seed", "3", "--json", "-q"]) == 0
    facts = json.loads(capsys.readouterr().out)["recheck"]
    assert facts["n_refuted"] == 0 and facts["rows"] > 1000 and facts["seed"] == 3
    kinds = facts["ledger"]["kinds"].values()
    unproved = sum(counts["records"] - counts["proved"] for counts in kinds)  # every cube is small
    assert unproved == facts["n_without_node"] < facts["ledger"]["records"] / 2
    assert main(["inspect", str(learned), "--recheck", "30", "--oracle", "nothing:here"]) == 3


def test_recheck_finds_a_wrong_diagram(
    learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One complemented edge: exit code 1, and the first refuted claim with its row."""
    monkeypatch.chdir(ROOT)
    model = Model.load(learned)
    high = model.bsd.high.copy()
    high[0] ^= 1
    dataclasses.replace(model, bsd=dataclasses.replace(model.bsd, high=high)).save(tmp_path / "broken")
    assert main(["inspect", str(tmp_path / "broken"), "--recheck", "5"]) == 1
    printed = capsys.readouterr()
    assert "Refuted:" in printed.out and "The first is refuted by a=0x" in printed.out
    assert "claims of its ledger are refuted" in printed.err
    ledger = Ledger.from_arrays(Model.load(tmp_path / "broken").extra)
    assert ledger is not None and not (ledger.status == 2).any()  # nothing was written


def test_recheck_needs_a_ledger_and_an_oracle(
    folder: Path, learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(folder), "--recheck", "5"]) == 3
    assert "holds no ledger" in capsys.readouterr().err
    model = Model.load(learned)
    dataclasses.replace(model, info={**model.info, "oracle": ""}).save(tmp_path / "nameless")
    assert main(["inspect", str(tmp_path / "nameless"), "--recheck", "5"]) == 2
    assert "names no oracle; give one with --oracle" in capsys.readouterr().err
