"""What a command prints: results on stdout, everything else on stderr."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from bsdgen.errors import BsdgenError

_PLAIN_INTERVAL_S = 10.0  # between two lines of progress where no terminal can redraw one


class Progress(Protocol):
    """Receives the state of a piece of long work."""

    def __call__(self, done: int, total: int, /) -> None:
        """Say that `done` of `total` steps are through (`total` 0: not known)."""

    def stage(self, text: str, note: str = "") -> None:
        """Say what is being done, and how far it is in words."""


class _Silent:
    def __call__(self, done: int, total: int, /) -> None:
        pass

    def stage(self, text: str, note: str = "") -> None:
        pass


class _Lines:
    """Progress for a log file: a line when a stage begins, and one every few seconds."""

    def __init__(self, text: str) -> None:
        self._text = self._note = ""
        self._begun = self._last = time.monotonic()
        self.stage(text)

    def __call__(self, done: int, total: int, /) -> None:
        now = time.monotonic()
        if now - self._last >= _PLAIN_INTERVAL_S:
            self._last = now
            amount = f"{done:,} of {total:,}" if total else "at work"
            line = f"{self._text}: {amount}{self._note} ({now - self._begun:.0f} s)"
            print(line, file=sys.stderr, flush=True)

    def stage(self, text: str, note: str = "") -> None:
        self._note = f", {note}" if note else ""
        if text != self._text:
            self._text = text
            self._last = time.monotonic()
            print(f"{text} ...", file=sys.stderr, flush=True)


class _Bar:
    """Progress on a terminal: a bar, and under it a line that is redrawn."""

    def __init__(self, bar: Any, note: Any, text: str) -> None:
        self._bar = bar
        self._note = note
        self._task = bar.add_task(text, total=None)

    def __call__(self, done: int, total: int, /) -> None:
        self._bar.update(self._task, completed=done, total=total or None)

    def stage(self, text: str, note: str = "") -> None:
        self._bar.update(self._task, description=text)
        self._note.plain = note


class Output:
    """Where a command's words go.

    Parameters
    ----------
    json : print the result as one JSON document on stdout instead of text.
    quiet : no progress, no notes; errors and the result's JSON only.
    verbose : details too.

    Attributes
    ----------
    resumable : whether the command, stopped now, could go on with ``--resume``.
    held : locks and the like that the command keeps until it ends.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.resumable: Callable[[], bool] = lambda: False
        self.held = ExitStack()
        self._answered = False

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Print the command's result: `value` with ``--json``, else `text` (nothing with ``--quiet``)."""
        if self.json:
            self._print_json(value)
        elif not self.quiet:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        """Say something that only ``--verbose`` asks for."""
        if self.verbose:
            self.note(text)

    def failed(self, error: BsdgenError) -> None:
        """Report an error; with ``--json`` on stdout too, unless a result stands there already."""
        if self.json and not self._answered:
            kind = type(error).__name__
            self._print_json({"error": {"kind": kind, "message": str(error), "exit_code": error.exit_code}})
        print(f"bsdgen: {error}", file=sys.stderr, flush=True)

    def interrupted(self) -> None:
        """Report that the command was stopped, and the command that goes on or does the work again."""
        resume = self.resumable()
        how = "Go on with" if resume else "Start again with"
        again = self.again(resume=resume)
        print(f"bsdgen: interrupted; finished files are intact. {how}: {again}", file=sys.stderr)

    def again(self, *, resume: bool) -> str:
        """The command that is running, for a shell; with ``--resume`` if asked for."""
        more = ["--resume"] if resume and "--resume" not in sys.argv else []
        return shlex.join(["bsdgen", *sys.argv[1:], *more])

    @contextmanager
    def progress(self, text: str) -> Iterator[Progress]:
        """Show progress of the work inside."""
        if self.quiet:
            yield _Silent()
        elif not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield _Lines(text)
        else:
            from rich.console import Console, Group
            from rich.live import Live
            from rich.progress import (
                BarColumn,
                SpinnerColumn,
                TaskProgressColumn,
                TextColumn,
                TimeElapsedColumn,
            )
            from rich.progress import Progress as RichProgress
            from rich.text import Text

            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
            )
            console = Console(stderr=True)
            bar, note = RichProgress(*columns, console=console), Text(style="dim")
            with Live(Group(bar, note), console=console, refresh_per_second=8, transient=True):
                yield _Bar(bar, note, text)

    def _print_json(self, value: Mapping[str, Any]) -> None:
        import msgspec

        self._answered = True
        print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)


def table(header: list[str], rows: list[list[str]], *, left: int = 1) -> str:
    """Lay out a plain table: the first `left` columns flush left, the others flush right.

    >>> print(table(["name", "n"], [["add", "12"]]))
    name   n
    add   12
    """
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    lines = []
    for line in [header, *rows]:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
