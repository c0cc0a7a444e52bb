"""``bsdgen learn --alone``: rows in, a model out, nobody asked; what rows do not say is said."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model

from bsdgen.bits import unpack_fields
from bsdgen.cli.app import main
from bsdgen.model import Model
from bsdgen.traces.schema import Field, Schema
from bsdgen.traces.store import read_traces, write_traces

SCHEMA = Schema((Field("op", 2, "in"), Field("a", 6, "in"), Field("b", 6, "in"), Field("y", 6, "out")))


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def step(op: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.select([op == 0, op == 1, op == 2], [a + b, a - b, a & b], a ^ b) & 63, np.uint8)


def record(path: Path, n: int, seed: int, wrong: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    op, a, b = (rng.integers(0, k, n).astype(np.uint8) for k in (4, 64, 64))
    y = step(op, a, b)
    if wrong:  # the same inputs once more, with another output
        op, a, b = (np.append(part, part[:wrong]) for part in (op, a, b))
        y = np.append(y, y[:wrong] ^ 1)
    write_traces(path, {"op": op, "a": a, "b": b, "y": y}, SCHEMA, {"oracle": ""})
    return path


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("alone")
    record(folder / "rows.parquet", 6000, 1)
    assert run("learn", folder / "rows.parquet", "--alone", "-o", folder / "model", "--quiet") == 0
    yield folder / "model", json.loads((folder / "model" / "model.json").read_text())


def test_model_is_right_on_all_rows(learned: tuple[Path, dict[str, object]]) -> None:
    bsd = Model.load(learned[0]).bsd
    every = np.arange(1 << 14, dtype=np.uint64)[:, None]
    op, a, b = unpack_fields(every, [2, 6, 6])
    said = bsd.evaluate(every)[:, 0]
    assert np.array_equal(said, step(*(part.astype(np.int64) for part in (op, a, b))))


def test_what_the_model_says_of_itself(learned: tuple[Path, dict[str, object]]) -> None:
    info = learned[1]
    evidence, stats = info["evidence"], info["learn"]
    assert isinstance(evidence, dict) and isinstance(stats, dict)
    assert stats["oracle_queries"] == 0 and stats["finished"]
    assert evidence["held_out"] == stats["n_checked"]
    assert evidence["held_out_wrong"] == 0
    assert evidence["held_out"] == round(0.1 * (evidence["held_out"] + evidence["rows"]))


def test_same_rows_same_bytes(learned: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    rows = learned[0].parent / "rows.parquet"
    assert run("learn", rows, "--alone", "-o", tmp_path / "again", "--quiet") == 0
    assert (tmp_path / "again" / "model.npz").read_bytes() == (learned[0] / "model.npz").read_bytes()


def test_commands_take_it(
    learned: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("inspect", learned[0]) == 0
    assert run("inspect", learned[0], "--contexts") == 0
    assert run("inspect", learned[0], "--unsupported") == 0
    assert run("emit", learned[0], "--format", "verilog", "--quiet") == 0
    assert run("report", learned[0], "--quiet") == 0
    assert "What the rows do not say" in (learned[0] / "report.html").read_text()
    capsys.readouterr()


def test_too_few_rows_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = record(tmp_path / "few.parquet", 150, 3)
    code = run("learn", rows, "--alone", "-o", tmp_path / "model")
    said = capsys.readouterr()
    assert code == 1 and "held-out rows are wrong" in said.err and "beyond the rows" in said.out
    capsys.readouterr()
    assert run("inspect", tmp_path / "model", "--unsupported", "--json") == 0
    assert json.loads(capsys.readouterr().out)["unsupported"]


def test_contradictions_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = record(tmp_path / "rows.parquet", 1000, 4, wrong=3)
    assert read_traces([rows]).n_contradictions
    assert run("learn", rows, "--alone", "-o", tmp_path / "model") == 3
    assert "contradict" in capsys.readouterr().err and not (tmp_path / "model" / "model.json").exists()


ORACLE = """
import numpy as np
def step(op, a, b):
    return np.select([op == 0, op == 1, op == 2], [a + b, a - b, a & b], a ^ b) & 63
"""


@pytest.fixture
def few_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that learns from 400 rows, with an oracle to ask."""
    (tmp_path / "a_small_machine.py").write_text(ORACLE)
    monkeypatch.syspath_prepend(tmp_path)
    rows = record(tmp_path / "few.parquet", 400, 3)
    return ["learn", str(rows), "--oracle", "a_small_machine:step", "-o", str(tmp_path / "model")]


def test_questions_second(few_rows: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*few_rows, "--questions", "2000000") == 0
    said = " ".join(capsys.readouterr().out.split())
    info = json.loads((tmp_path / "model" / "model.json").read_text())
    evidence, stats = info["evidence"], info["learn"]
    assert stats["finished"] and 0 < evidence["questions"] == stats["oracle_queries"] <= 2_000_000
    assert f"{evidence['rows']} rows, {evidence['questions']:,} questions" in said
    bsd = Model.load(tmp_path / "model").bsd
    every = np.arange(1 << 14, dtype=np.uint64)[:, None]
    op, a, b = unpack_fields(every, [2, 6, 6])
    assert np.array_equal(bsd.evaluate(every)[:, 0], step(*(part.astype(np.int64) for part in (op, a, b))))


def test_doubt_that_is_left_is_said(few_rows: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*few_rows, "--questions", "100") == 1
    assert "doubt is left after 100 questions" in capsys.readouterr().err
    for option in ("--resume", "--allow-differing"):
        assert run(*few_rows, "--questions", "100", option) == 2
        assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [["--oracle", "simulator:rv32i"], ["--resume"], ["--allow-differing"], ["--questions", "5"]],
)
def test_options_that_do_not_go_together(
    learned: tuple[Path, dict[str, object]], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = learned[0].parent / "rows.parquet"
    assert run("learn", rows, "--alone", *more, "-o", learned[0].parent / "other") == 2
    assert more[0] in capsys.readouterr().err


def test_without_rows_or_oracle(
    learned: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn", "--alone") == 2
    assert run("learn", learned[0].parent / "rows.parquet") == 2
    assert "--alone" in capsys.readouterr().err


def test_inspect_unsupported_needs_rows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adder_model().save(tmp_path)
    assert run("inspect", tmp_path, "--unsupported") == 2
    assert "--alone" in capsys.readouterr().err
