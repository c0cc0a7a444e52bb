"""Fuzz every reader: ``make fuzz`` or ``python tests/faults/fuzz.py --seconds 120``.

Damaged files may be refused by an `InputError` of one line that names the file, or be read; nothing else.
Where a digest stands over a file, a flipped bit must be refused or change nothing that is read.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

if __name__ == "__main__":  # as pytest would have it
    tests = Path(__file__).resolve().parents[1]
    sys.path[:0] = [
        str(tests.parent),
        *(str(tests / name) for name in (".", "core", "isa", "spike", "faults")),
    ]

from damage import damaged, flipped, misshapen
from readers import Reader, make_readers

from bsdgen.errors import InputError

KINDS = ("damaged", "flipped", "misshapen")


def refused(reader: Reader, data: bytes) -> bool:
    """Read damaged bytes; whether they were refused, as they should be."""
    with reader.holding(data) as path:
        try:
            reader.read(path)
        except InputError as error:
            text = str(error)
            assert "\n" not in text and (reader.says or path.name) in text, text
            return True
    return False


def flip_shows(reader: Reader, data: bytes, good: object) -> bool:
    """Whether a flipped bit changes what is read, without a word."""
    with reader.holding(data) as path:
        try:
            return bool(reader.read(path) != good)
        except InputError:
            return False


def check_of(reader: Reader, kind: str, n: int, count: Counter[str], start: int = 0) -> Callable[[], None]:
    """A check of one reader on `n` inputs of a kind, counted in `count`."""
    data, good = reader.file.read_bytes(), reader.read(reader.file)
    strategy: st.SearchStrategy[bytes] = {"damaged": damaged, "flipped": flipped, "misshapen": misshapen}[
        kind
    ](data)

    @seed(start)
    @settings(
        max_examples=n,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(content: bytes) -> None:
        count["tried"] += 1
        if kind == "flipped" and reader.sealed:
            assert not flip_shows(reader, content, good)
        else:
            count["refused"] += refused(reader, content)

    return check


def kinds_of(reader: Reader) -> list[str]:
    """What damage makes sense."""
    return [kind for kind in KINDS if reader.json or kind != "misshapen"]


def main() -> int:
    """Fuzz until the time is over; what was tried by reader, and 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description="Fuzz every reader of bsdgen.")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="readers, by name")
    given_words = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        readers = make_readers(Path(name) / "good")
        if given_words.only:
            readers = {key: readers[key] for key in given_words.only.split(",")}
        begun, number = time.monotonic(), given_words.seed
        while time.monotonic() - begun < given_words.seconds and readers:
            for key, reader in list(readers.items()):
                count = counts.setdefault(key, Counter())
                try:
                    for kind in kinds_of(reader):
                        check_of(reader, kind, 200, count, number)()
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    wrong.append(f"{key} (seed {number}): {type(error).__name__}: {error}")
                    print(wrong[-1], *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr, flush=True)
                    del readers[key]
            number += 1
    print(f"{'reader':<18}{'tried':>10}{'refused':>10}")
    for key, count in counts.items():
        print(f"{key:<18}{count['tried']:>10,}{count['refused']:>10,}")
    total = sum(count["tried"] for count in counts.values())
    print(f"{total:,} inputs in {time.monotonic() - begun:.0f} s, {len(wrong)} readers wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
