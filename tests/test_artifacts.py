"""Files are complete or absent."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bsdgen import __version__, artifacts
from bsdgen.errors import InputError


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.txt"
    with artifacts.atomic_path(path) as temporary:
        temporary.write_text("all of it")
        assert temporary.parent == path.parent and not path.exists()
    assert path.read_text() == "all of it"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error), artifacts.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    artifacts.write_text(tmp_path / "made", "")
    assert (tmp_path / "made").stat().st_mode == plain.stat().st_mode
    old = os.umask(0)
    os.umask(old)
    assert plain.stat().st_mode & 0o777 == 0o666 & ~old


def test_text_is_utf_8(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "t", "φ = ¬x\n")
    assert (tmp_path / "t").read_bytes() == "φ = ¬x\n".encode()


def test_json_round_trip(tmp_path: Path) -> None:
    value = {"z": [1, 2.5, None, True], "a": {"text": "φ"}}
    artifacts.write_json(tmp_path / "v.json", value)
    text = (tmp_path / "v.json").read_text(encoding="utf-8")
    assert text.endswith("}\n") and text.index('"z"') < text.index('"a"') and '\n  "a"' in text
    assert artifacts.read_json(tmp_path / "v.json") == value


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    artifacts.write_json(tmp_path / "v.json", 1)
    with pytest.raises(TypeError):
        artifacts.write_json(tmp_path / "v.json", {"a": object()})
    assert artifacts.read_json(tmp_path / "v.json") == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_json_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file"):
        artifacts.read_json(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        artifacts.read_json(tmp_path)
    (tmp_path / "half.json").write_text('{"a": 1')
    with pytest.raises(InputError, match=r"half\.json: is no JSON .* make it anew"):
        artifacts.read_json(tmp_path / "half.json")


def test_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(data)
    assert artifacts.sha256(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_versions_name_what_is_absent() -> None:
    versions = artifacts.tool_versions("numpy", "no-such-package-at-all")
    assert versions["bsdgen"] == __version__ and versions["python"].startswith("3.")
    assert versions["numpy"][0].isdigit() and versions["no-such-package-at-all"] == "absent"


@pytest.mark.parametrize(
    "write", [artifacts.check_writable, lambda path: artifacts.write_text(path / "t", "")]
)
def test_a_file_in_the_way_of_a_folder_is_refused(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(InputError, match=r"file.*cannot be written \(.*choose another folder"):
            write(folder)
    assert (tmp_path / "file").read_text() == "mine"


def test_checking_makes_no_folder(tmp_path: Path) -> None:
    artifacts.check_writable(tmp_path / "deep" / "er")
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_there_when_the_file_is(tmp_path: Path) -> None:
    """Not given afterwards: who is killed in between would leave a program that nobody can run."""
    umask = os.umask(0o027)
    try:
        with artifacts.atomic_path(tmp_path / "tool", mode=0o777) as temporary:
            temporary.write_text("x")
        with artifacts.atomic_path(tmp_path / "text") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(umask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("tool", "text")] == [0o750, 0o640]
