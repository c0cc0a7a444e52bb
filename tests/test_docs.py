"""What the documents say exists: links, commands, options, keys, and the example in Python."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bsdgen.cli.app import COMMANDS
from bsdgen.cli.bench import BENCHMARKS
from bsdgen.cli.reference import help_text
from bsdgen.cli.soc import COMMANDS as SOC_COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "Makefile"], ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("$(BSDGEN)", "bsdgen")
    commands = re.findall(r"^\t?bsdgen (.+?)(?: \|\|.*)?$", text, re.MULTILINE)
    assert len(commands) > 5
    for line in commands:
        name, *words = shlex.split(line)
        if name == "bench":
            assert words[0] in BENCHMARKS
            options = help_text(name, words.pop(0))
        elif name == "soc":
            assert words[0] in SOC_COMMANDS
            options = help_text(name, words.pop(0))
        else:
            assert name in COMMANDS
            options = help_text(name)
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"(?<![\w-]){word}\b", options), f"{name} has no {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_rows_stand_in_a_table(page: Path) -> None:
    """A blank line before a row cuts it off, and it is shown as text."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rule = table.split("\n")[1]
        assert re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", rule), table


def test_readme_begins_with_the_two_commands() -> None:
    first = re.search(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first.group(1).strip().splitlines()] == [
        "make",
        "make test",
    ]


def test_example_in_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Bsd(inputs=8, outputs=5, nodes=")


def test_pictures_are_well_formed() -> None:
    pictures = sorted((ROOT / "docs" / "img").glob("*.svg"))
    assert {"flow", "top"} <= {path.stem for path in pictures}
    for path in pictures:
        ElementTree.parse(path)


def test_flow_is_what_its_script_draws() -> None:
    scope: dict[str, object] = {"__file__": str(ROOT / "docs" / "flow.py"), "__name__": "flow"}
    exec(compile((ROOT / "docs" / "flow.py").read_text(encoding="utf-8"), "flow.py", "exec"), scope)
    drawn = scope["picture"]()  # type: ignore[operator]
    assert drawn == (ROOT / "docs" / "img" / "flow.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_examples_of_formats_are_what_is_written() -> None:
    done = subprocess.run(
        [sys.executable, "docs/hardware.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
