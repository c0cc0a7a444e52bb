"""``bsdgen verify``: every check is made, whatever the others say, and the exit code says the worst."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import adder_model

from bsdgen.artifacts import locked, sole_writer
from bsdgen.bsd import Bsd
from bsdgen.cli import verify as module
from bsdgen.cli.app import main
from bsdgen.cli.console import Output
from bsdgen.errors import BsdgenError, BudgetReached, CheckFailed, ToolError
from bsdgen.model import Model
from bsdgen.traces.schema import RVFI_SCHEMA

PROOF = {
    "specification": "rv32i+op+load",
    "engines": ["abc", "sat"],
    "stages": [
        {"name": name, "outputs": [{"cared": 32, "proved": {"abc": 32, "sat": 31}}]}
        for name in ("diagram", "core")
    ],
}
VECTORS = {"vectors": 1000, "errors": 0, "upper": 0.0037}
PROGRAMS = {
    "programs": [
        {"retired": 5, "mismatches": 0, "passed": True},
        {"retired": 7, "mismatches": 2, "passed": True},
        {"retired": 1, "mismatches": 0, "passed": False},
    ]
}
MUTANTS = {"summary": [{"n": 7, "equivalent": 1, "undecided": 0, "killable": 6, "proof": 6}]}
RANDOM = {"programs": 10, "retired": 2000, "failed": [3, 4]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with the fields of a step function, whatever it computes; the commands are stand-ins."""
    zero = Bsd(RVFI_SCHEMA.n_inputs, *np.zeros((3, 0), np.int32), np.zeros(RVFI_SCHEMA.n_outputs, np.int32))
    Model(zero, RVFI_SCHEMA, {}).save(tmp_path)
    (tmp_path / "verilog").mkdir()
    (tmp_path / "verilog" / f"{tmp_path.name}_core.v").touch()
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, errors: dict[str, BsdgenError]) -> list[str]:
    """Commands that give known results, and raise what they are told to."""
    called: list[str] = []

    def command(name: str, facts: dict[str, Any]) -> Any:
        def run(out: Output, *words: object, random: int | None = None, **options: object) -> None:
            known = "random" if random is not None else name
            called.append(known)
            if isinstance(errors.get(known), ToolError):
                raise errors[known]
            out.result(RANDOM if random is not None else facts, f"text of {known}")
            if known in errors:
                raise errors[known]

        return run

    for name, facts in (("prove", PROOF), ("measure", VECTORS), ("cosim", PROGRAMS), ("mutate", MUTANTS)):
        monkeypatch.setattr(module, name, command(name, facts))
    monkeypatch.setattr(module, "emit", lambda out, folder: called.append("emit"))
    return called


def test_one_table(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    called = stand_in(monkeypatch, {})
    assert main(["verify", str(model)]) == 0
    assert called == ["prove", "measure", "cosim", "random", "mutate"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and "text of" not in lines[0]
    assert "64 bits (diagram, core) of rv32i+op+load" in lines[1] and "62 proved by 2 engines" in lines[1]
    assert "1,000" in lines[2] and "0 errors, 95 % < 3.7e-03" in lines[2]
    assert "3, 13 instructions" in lines[3] and "2 failed" in lines[3]
    assert "10, 2,000 instructions" in lines[4] and "2 failed" in lines[4]
    assert "7 faults, 1 equivalent" in lines[5] and "6 of 6 killable disproved" in lines[5]
    kept = json.loads((model / "verify.json").read_text())["steps"]
    assert [step["verdict"] for step in kept] == ["yes"] * 5
    assert lines[7].split() == ["report", str(model / "report.html")]
    page = (model / "report.html").read_text()
    assert "<h2>Verification</h2>" in page and "6 of 6 killable disproved" in page


def test_verilog_is_emitted_where_there_is_none(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model / "verilog" / f"{model.name}_core.v").unlink()
    called = stand_in(monkeypatch, {})
    assert main(["verify", str(model), "--quiet"]) == 0 and called[0] == "emit"


@pytest.mark.parametrize(
    "errors, code, verdicts",
    [
        ({"prove": CheckFailed("xor is wrong")}, 1, ["NO", "yes", "yes", "yes", "yes"]),
        ({"prove": BudgetReached("undecided")}, 5, ["NO", "yes", "yes", "yes", "yes"]),
        ({"cosim": ToolError("no verilator")}, 4, ["yes", "yes", "not run", "yes", "yes"]),
        (
            {"prove": BudgetReached("undecided"), "random": CheckFailed("2 failed")},
            1,
            ["NO", "yes", "yes", "NO", "yes"],
        ),
    ],
)
def test_checks_go_on(
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    errors: dict[str, BsdgenError],
    code: int,
    verdicts: list[str],
) -> None:
    """What failed says so in full before the table."""
    called = stand_in(monkeypatch, errors)
    assert main(["verify", str(model)]) == code
    assert called == ["prove", "measure", "cosim", "random", "mutate"]
    kept = json.loads((model / "verify.json").read_text())["steps"]
    assert [step["verdict"] for step in kept] == verdicts
    assert [bool(step["error"]) for step in kept] == [verdict != "yes" for verdict in verdicts]
    said = capsys.readouterr()
    if "prove" in errors:
        assert said.out.splitlines()[0] == "text of prove"


def test_a_failed_check_holds_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both runs of programs write under one lock; the error of the first is kept, the lock must not be."""
    (model / "verilog" / f"{model.name}_core.v").unlink()
    stand_in(monkeypatch, {})

    def cosim(out: Output, folder: Path, random: int | None = None, **options: object) -> None:
        out.held.enter_context(sole_writer(folder / "cosim.json"))
        out.result(PROGRAMS if random is None else RANDOM, "text")
        raise CheckFailed("programs failed")

    def emit(out: Output, folder: Path) -> None:
        out.held.enter_context(locked(folder))

    def prove(out: Output, folder: Path, **options: object) -> None:
        out.held.enter_context(locked(folder, shared=True))
        out.result(PROOF, "text")

    for name, command in (("cosim", cosim), ("emit", emit), ("prove", prove)):
        monkeypatch.setattr(module, name, command)
    assert main(["verify", str(model), "-q"]) == 1
    kept = json.loads((model / "verify.json").read_text())["steps"]
    assert [step["verdict"] for step in kept] == ["yes", "yes", "NO", "NO", "yes"]


def test_a_model_that_changes_meanwhile_is_not_verified(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called = stand_in(monkeypatch, {})
    measured = module.measure

    def learned_anew(out: Output, folders: list[Path], **options: object) -> None:
        one = Bsd(RVFI_SCHEMA.n_inputs, *np.zeros((3, 0), np.int32), np.ones(RVFI_SCHEMA.n_outputs, np.int32))
        Model(one, RVFI_SCHEMA, {}).save(model)
        measured(out, folders)

    monkeypatch.setattr(module, "measure", learned_anew)
    assert main(["verify", str(model)]) == 3
    assert called == ["prove", "measure"] and not (model / "verify.json").exists()
    assert "seen after 'vectors'" in capsys.readouterr().err


def test_another_function_has_no_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called = stand_in(monkeypatch, {})
    adder_model().save(tmp_path)
    assert main(["verify", str(tmp_path)]) == 3 and not called
    assert "only an RV32I step function" in capsys.readouterr().err
    assert not (tmp_path / "verify.json").exists()
