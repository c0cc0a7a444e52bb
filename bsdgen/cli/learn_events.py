"""What ``bsdgen learn`` shows of its events, and writes into ``--log``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bsdgen.cli.console import Output, Progress
from bsdgen.errors import InputError

if TYPE_CHECKING:
    from bsdgen.learn import Event


@contextmanager
def log_of(path: Path | None, resumed: bool) -> "Iterator[Callable[[Event], None]]":
    """Write events into a file, behind those of the run that is resumed."""
    if path is None:
        yield lambda event: None
        return
    import msgspec

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab" if resumed else "wb", buffering=0)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another file for --log"
        ) from error
    with file:
        yield lambda event: (file.write(msgspec.json.encode(event) + b"\n"), None)[1]


def subscriber(
    progress: Progress, out: Output, write: "Callable[[Event], None]"
) -> "Callable[[Event], None]":
    """Show events: what each round of checks found as a line of its own, the rest as progress."""

    def on_event(event: "Event") -> None:
        write(event)
        progress.stage("learning", _state(event))
        progress(event.done if event.total else 0, event.total)
        if event.stage in ("check", "partial", "warning"):
            out.note(event.message)
        elif event.stage not in ("expand", "checking"):
            out.detail(event.message)

    return on_event


def _state(event: "Event") -> str:
    """Where the work is, in one line."""
    if event.stage == "evidence":
        return f"explaining rows: {event.done:,} steps; {event.message}"
    what = "checking fresh rows" if event.stage == "checking" else "building"
    parts = [
        f"round {event.round + 1}: {what}",
        f"functions {event.functions_done:,} done, {event.functions_open:,} open",
        f"contexts {event.contexts_done:,} done, {event.contexts_open:,} open",
    ]
    if event.accuracy is not None:
        parts.append(f"{event.accuracy:.4%} of fresh rows right, {event.counterexamples:,} counterexamples")
    parts.append(f"{event.rss_mib:,.0f} MiB")
    if event.left_s is not None:
        parts.append(f"about {event.left_s:.0f} s left of this round")
    return "; ".join(parts)
