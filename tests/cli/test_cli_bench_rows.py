"""``bsdgen bench rows``: recorded rows beside random ones, seeds and disguises; what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from bsdgen.cli.app import main
from bsdgen.traces.schema import Field, Schema
from bsdgen.traces.store import write_traces


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sizes", "abc"), "--sizes must be whole numbers, not 'abc'; e.g. --sizes 1000,10000"),
        (("--sizes", "10"), "--sizes must be 64 or more"),
        (("--sizes", "0"), "nothing to learn"),
        (("--seeds", "x"), "e.g. --seeds 0,1,2"),
        (("--disguises", "-1"), "must not be negative"),
        (("nowhere",), "does not exist"),
        (("--without", "magic"), "--without: magic are not among virtual, analogy"),
        (("--curve", "traces"), "--curve must be NAME=TRACES, not 'traces'"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "rows", "--machines", "none", *words, "-o", str(tmp_path / "out")]) != 0
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_traces_of_another_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = Schema((Field("a", 4, "in"), Field("y", 4, "out")))
    a = np.arange(16, dtype=np.uint8)
    write_traces(tmp_path / "other.parquet", {"a": a, "y": a ^ 1}, schema, {"oracle": ""})
    assert main(["bench", "rows", str(tmp_path), "--machines", "none", "--sizes", "0"]) != 0
    assert "other fields than RVFI's" in capsys.readouterr().err


def test_recorded_rows_in_disguise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traces = tmp_path / "traces"
    assert main(["record", "--random", "200", "--seed", "5", "-o", str(traces), "-q"]) == 0
    words = ["--machines", "none", "--sizes", "0,100", "--disguises", "3", "--fresh", "2000"]
    assert main(["bench", "rows", str(traces), *words, "-o", str(tmp_path / "out"), "-q"]) == 0
    saved = json.loads((tmp_path / "out" / "rows.json").read_text())
    what = [(trial["what"], trial["rows"]) for trial in saved["result"]["curve"]]
    assert [text for text, _ in what] == [
        "RV32I, recorded rows, seed 0",
        "RV32I, recorded rows, seed 0, in disguise 3",
        "RV32I, random rows and recorded rows, seed 0",
        "RV32I, random rows and recorded rows, seed 0, in disguise 3",
    ]
    assert what[0][1] == what[1][1] <= 200 < what[2][1]
    assert saved["options"]["disguises"] == "3"


def test_curves_ablations_and_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traces, out = tmp_path / "traces", tmp_path / "out"
    assert main(["record", "--random", "200", "--seed", "5", "-o", str(traces), "-q"]) == 0
    words = [
        "bench",
        "rows",
        "--machines",
        "none",
        "--fresh",
        "2000",
        "--time-limit",
        "4",
        "-o",
        str(out),
        "-q",
    ]
    more = ["--sizes", "0", "--without", "virtual,preference", "--questions", "500"]
    assert main([*words, str(traces), *more]) == 0
    before = json.loads((out / "rows.json").read_text())["result"]["curve"]
    assert [trial["what"].removeprefix("RV32I, recorded rows, seed 0") for trial in before] == [
        "",
        ", without virtual",
        ", without preference",
        ", up to 500 questions",
    ]
    assert 0 < before[-1]["questions"] <= 500 and before[-1]["rows"] > before[0]["rows"]
    curve = ["--curve", f"some={traces}", "--points", "64,150,9999"]
    assert main([*words, "--sizes", "0", *curve, "--add"]) == 0
    after = json.loads((out / "rows.json").read_text())["result"]["curve"]
    assert after[:4] == before
    assert [(trial["source"], trial["rows"]) for trial in after[4:]] == [("some", 64), ("some", 150)]
    assert main(["bench", "page", str(out), "--page", str(tmp_path / "page.md"), "-q"]) == 0
    assert "img/rows.svg" in (tmp_path / "page.md").read_text()
    assert "some" in (tmp_path / "img" / "rows.svg").read_text()
