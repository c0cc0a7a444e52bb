import json
from pathlib import Path

import pytest

from bsdgen.cli.app import main
from bsdgen.cli.bench import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: bsdgen bench {name}" in text
    for option in ("--json", "--quiet", "--verbose"):
        assert option in text


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--only", "19"],
        ["demo", "--width", "12"],
        ["blind", "--demo", "x"],
        ["blind", "--demo", "44"],
        ["subsets", "--only", "rv64i"],
        ["scaling", "--kinds", "divide"],
        ["scaling", "--widths", "12"],
        ["ablations", "--only", "no-nothing", "--no-step"],
        ["bdd", "--only", "twenty", "--no-step"],
    ],
)
def test_usage_errors(words: list[str]) -> None:
    assert main(["bench", *words]) == 2


def test_traces_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("blind", "subsets", "ablations", "bdd"):
        assert main(["bench", name]) == 3


def test_demo_prints_and_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "demo", "--only", "9", "--width", "8", "-q"]
    assert main([*arguments, "--json", "-o", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["result"]["rows"][0]["trial"]["proved"] is True
    assert {bar["text"] for bar in shown["bars"]} >= {"proved exact", "CPU seconds in all"}
    saved = json.loads((tmp_path / "demo.json").read_text())
    assert saved["benchmark"] == "demo" and saved["result"]["rows"] == shown["result"]["rows"]


def test_a_function_that_is_not_learned_ends_with_a_check_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "demo", "--only", "15,0", "--width", "32", "--time-limit", "0.1"]) == 1
    shown = capsys.readouterr()
    assert "not learned" in shown.out and "15: 11a + 5b + 4" in shown.err


def test_scaling_of_one_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "scaling", "--kinds", "compare", "--widths", "8,16"]) == 0
    assert "a < b" in capsys.readouterr().out
