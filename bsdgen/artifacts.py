"""Files that are complete or absent, and where they came from.

A JSON document carries the digest of its own content (`SEAL`), so that a flipped bit is told when it is read.
A document without one, of an earlier version or written by hand, is read as it stands.
"""

import errno
import fcntl
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
from bsdgen.errors import BusyError, InputError

SEAL = "sha256"
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}  # told of a disk, not of a program


@contextmanager
def atomic_path(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any error it vanishes.

    Parameters
    ----------
    mode : permissions of the file, as far as the umask leaves them.

    Raises
    ------
    InputError
        The folder cannot be made or written to, or the disk is full.
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
        temporary.chmod(mode & ~umask)
        temporary.replace(path)
    except OSError as error:
        if error.errno in _DISK or path.is_dir():
            raise _unwritable(path, os.strerror(error.errno or errno.EISDIR)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, shared: bool = False, make: bool = False) -> Iterator[None]:
    """Hold a folder while its model is written (or, `shared`, while it is read and nobody may write it).

    Without `make` a folder that is not there is not held; one that was made and stays empty goes again.

    The lock is the kernel's, on the folder itself: it leaves no file, and ends with the process however that
    ends. Where a file system has no locks (some network ones) there is none; files are still replaced whole.

    Raises
    ------
    InputError
        The folder cannot be made.
    BusyError
        Another run holds it.
    """
    made = make and not folder.exists()
    if not make and not folder.is_dir():
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(folder, error.strerror) from error
    try:
        _lock(handle, folder, shared)
        yield
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        os.close(handle)


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold the right to write `path` by a lock file beside it, which is gone afterwards.

    For a file that is written over and over, so that two runs would mix. Raises as `locked`.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    try:
        _lock(handle, path, shared=False)
        if not lock.exists() or not os.path.samestat(os.fstat(handle), lock.stat()):
            raise _busy(path)  # its holder has just removed it
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, shared: bool) -> None:
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(path) from error
    except OSError:
        pass  # no locks there


def _busy(path: Path) -> BusyError:
    return BusyError(
        f"{path}: another run of bsdgen is at work there; wait until it has ended, or choose another place "
        "with --out"
    )


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


def disk_error(error: OSError) -> InputError:
    """An error of the operating system that nobody saw coming, as one that says what to do."""
    reason = error.strerror or str(error)
    where = error.filename if isinstance(error.filename, str) else "a file"
    if error.errno in _DISK:
        here = tempfile.gettempdir()
        return InputError(
            f"{where}: cannot be written ({reason}); what stood there before is intact. Make room on that "
            f"disk, and in {here} (or set TMPDIR to another folder), then run the command again"
        )
    return InputError(f"{where}: cannot be used ({reason}); check that it is there and that you may use it")


def check_room(log: str, tool: str) -> None:
    """Tell a tool that failed because the disk is full from one that failed.

    Raises
    ------
    InputError
        What the tool printed says so.
    """
    for reason in (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT)):
        if reason in log:
            raise InputError(
                f"{tool} cannot write its files ({reason}); make room in {tempfile.gettempdir()}, or set "
                "TMPDIR to another folder"
            )


def write_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def json_bytes(value: Any) -> bytes:
    """JSON as it is written: indented, keys as given, a line end last.

    >>> json_bytes({"b": 1, "a": []})
    b'{\\n  "b": 1,\\n  "a": []\\n}\\n'
    """
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def sealed(value: Any) -> Any:
    """A JSON-ready value, if it is an object with the digest of its content as its last member.

    >>> sealed({"a": 1})["sha256"][:8]
    '015abd7f'
    """
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        return plain
    plain.pop(SEAL, None)
    return {**plain, SEAL: hashlib.sha256(msgspec.json.encode(plain)).hexdigest()}


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file (`json_bytes`, `sealed`) or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(json_bytes(sealed(value)))


def read_json(path: Path) -> Any:
    """Read a JSON file; the seal is checked and left out.

    Raises
    ------
    InputError
        The file is missing, no JSON, or its content is not what was written.
    """
    try:
        value = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is this the right folder?") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter of a member's name
        raise InputError(
            f"{path}: is no JSON ({error}); make it anew with the command that wrote it"
        ) from error
    except RecursionError as error:
        raise InputError(
            f"{path}: is nested too deeply; make it anew with the command that wrote it"
        ) from error
    if isinstance(value, dict) and not _unseal(value):
        raise InputError(
            f"{path}: is not what was written ({SEAL} differs): it is damaged or was edited; make it anew "
            f"with the command that wrote it, or, if you edited it, remove the line {SEAL!r}"
        )
    return value


def _unseal(value: dict[str, Any]) -> bool:
    """Take the seal out of a document; whether it has its own, or none."""
    if SEAL in value:
        seal = value.pop(SEAL)
        return bool(sealed(value)[SEAL] == seal)
    if not value:
        return True
    name, last = value.popitem()
    renamed = sealed(value)[SEAL] == last  # the seal, but for a flipped bit of its name
    value[name] = last
    return not renamed


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that must hold an object; errors as in `read_json`."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(
            f"{path}: is a JSON {type(value).__name__}, expected an object; make it anew with the command "
            "that wrote it"
        )
    return value


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
