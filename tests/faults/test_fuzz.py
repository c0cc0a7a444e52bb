"""Readers refuse damaged files by name, or read them; see `fuzz.py` for many more inputs."""

from collections import Counter
from pathlib import Path

import pytest
from fuzz import KINDS, check_of, kinds_of
from readers import Reader, make_readers

NAMES = (
    *("model.json", "model.npz", "circuit.aig", "foreign aiger", "aiger with state", "ELF", "Spike log"),
    *("traces", "measure.json", "coverage.json", "measured vectors", "bench result", "any JSON", "schema"),
    *("checkpoint", "search", "synth.json", "liberty", "PLA", "CSV"),
)


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    made = make_readers(tmp_path_factory.mktemp("good"))
    assert set(made) == set(NAMES)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_reads_or_refuses(readers: dict[str, Reader], name: str) -> None:
    count: Counter[str] = Counter()
    for kind in kinds_of(readers[name]):
        check_of(readers[name], kind, 40, count)()
    assert count["tried"] >= 40 and count["refused"] > 10


def test_the_check_can_fail(tmp_path: Path) -> None:
    """A reader without a digest shows a flipped bit; one that raises something else is told."""
    file = tmp_path / "plain"
    file.write_bytes(b"plain")
    with pytest.raises(AssertionError):
        check_of(Reader(file, Path.read_bytes, True), "flipped", 20, Counter())()
    with pytest.raises(ValueError, match="invalid literal"):
        check_of(
            Reader(file, lambda path: path.read_bytes() == b"plain" or int("x"), False),
            KINDS[0],
            20,
            Counter(),
        )()
