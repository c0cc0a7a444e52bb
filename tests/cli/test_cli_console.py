import pytest

from bsdgen.cli import console
from bsdgen.cli.console import Output, table


def test_results_and_the_rest_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.note("by the way")
    out.detail("too much")
    out.result({"n": 1}, "one")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("one\n", "by the way\n")


def test_quiet_keeps_json(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True, quiet=True, verbose=True)
    out.detail("too much")
    out.result({"n": 1}, "one")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ('{\n  "n": 1\n}\n', "")


def test_progress_in_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_PLAIN_INTERVAL_S", 0.0)
    with Output().progress("reading") as progress:
        progress.stage("reading", "3 rows")
        progress(1, 4)
        progress.stage("writing")
        progress(5, 0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "reading ...\nreading: 1 of 4, 3 rows (0 s)\nwriting ...\nwriting: at work (0 s)\n"


def test_progress_is_silent_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(quiet=True).progress("reading") as progress:
        progress.stage("writing")
        progress(1, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("no_color", [True, False])
def test_progress_on_a_terminal(
    no_color: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    with Output().progress("reading") as progress:
        progress.stage("writing", "9 rows")
        progress(1, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "writing" in printed.err and "9 rows" in printed.err
    coloured = "\x1b[3" in printed.err or "\x1b[38" in printed.err
    assert coloured != no_color


def test_table_aligns() -> None:
    assert table(["a", "n"], [["long", "1"], ["b", "200"]]) == "a       n\nlong    1\nb     200"
