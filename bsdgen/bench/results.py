"""Results on disk: one JSON file a benchmark, with the machine and the options that made it."""

from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from bsdgen.artifacts import read_json, write_json
from bsdgen.bench.machine import Machine, this_machine
from bsdgen.errors import InputError

_VERSION = 1
T = TypeVar("T")


class Saved(msgspec.Struct, Generic[T], frozen=True):
    """A result with where and how it was made."""

    benchmark: str
    version: int
    machine: Machine
    options: dict[str, Any]
    result: T


def save(folder: Path, benchmark: str, options: dict[str, Any], result: Any) -> Path:
    """Write ``<folder>/<benchmark>.json``, whole or not at all."""
    path = folder / f"{benchmark}.json"
    write_json(path, Saved(benchmark, _VERSION, this_machine(), options, result))
    return path


def load(folder: Path, benchmark: str, kind: type[T]) -> Saved[T] | None:
    """Read a benchmark's result, None if it was never made.

    Raises
    ------
    InputError
        The file is no result of this benchmark and version.
    """
    path = folder / f"{benchmark}.json"
    if not path.exists():
        return None
    try:
        saved = msgspec.convert(read_json(path), type=Saved[kind])  # type: ignore[valid-type]
    except (InputError, msgspec.MsgspecError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise InputError(
            f"{path}: is no result of this version ({reason}); make it anew with `bsdgen bench {benchmark}`"
        ) from error
    if saved.benchmark != benchmark or saved.version != _VERSION:
        raise InputError(
            f"{path}: is a result of {saved.benchmark!r}, version {saved.version}, expected {benchmark!r}, "
            f"{_VERSION}; make it anew with `bsdgen bench {benchmark}`"
        )
    return saved
