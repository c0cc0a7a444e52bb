"""Files that are complete or absent, and where they came from."""

import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from bsdgen import __version__
from bsdgen.errors import InputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any error it vanishes.

    Raises
    ------
    InputError
        The folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Refuse a folder that nothing can be written into, before long work that would end there; makes nothing.

    Raises
    ------
    InputError
        It is no folder, or it or the nearest folder above it that exists cannot be written to.
    """
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise _unwritable(folder, f"{there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _unwritable(folder, f"no permission to write into {there}")


def _unwritable(path: Path, reason: str | None) -> InputError:
    return InputError(
        f"{path}: cannot be written ({reason}); choose another folder, or make room for it there"
    )


def write_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_bytes(value: Any) -> bytes:
    """JSON as it is written: indented, keys as given, a line end last.

    >>> json_bytes({"b": 1, "a": []})
    b'{\\n  "b": 1,\\n  "a": []\\n}\\n'
    """
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file (`json_bytes`) or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(json_bytes(value))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        The file is missing or no JSON.
    """
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is this the right folder?") from error
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path}: is no JSON ({error}); make it anew with the command that wrote it"
        ) from error


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tool_versions(*packages: str) -> dict[str, str]:
    """Versions of bsdgen, Python and installed packages, for provenance."""
    versions = {"bsdgen": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return versions
