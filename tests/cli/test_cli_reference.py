import subprocess
import sys
from pathlib import Path

import pytest

from bsdgen.cli import reference
from bsdgen.cli.app import COMMANDS
from bsdgen.cli.soc import COMMANDS as SOC_COMMANDS


def test_page_is_current() -> None:
    assert reference.PATH.read_text(encoding="utf-8") == reference.reference(), (
        "docs/cli.md is not current; run python -m bsdgen.cli.reference"
    )


def test_page_has_every_command() -> None:
    page = reference.reference()
    names = [*COMMANDS, *(f"soc {name}" for name in SOC_COMMANDS)]
    assert all(f"\n## bsdgen {name}\n" in page for name in names)
    assert "\x1b" not in page


def test_check_sees_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cli.md"
    monkeypatch.setattr(reference, "PATH", path)
    monkeypatch.setattr(sys, "argv", ["reference", "--check"])
    assert reference.main() == 1
    path.write_text(reference.reference() + "more", encoding="utf-8")
    assert reference.main() == 1
    monkeypatch.setattr(sys, "argv", ["reference"])
    assert reference.main() == 0
    monkeypatch.setattr(sys, "argv", ["reference", "--check"])
    assert reference.main() == 0


def test_terminal_width_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bsdgen.cli.reference", "--check"],
        env={"COLUMNS": "40", "PATH": "", "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
