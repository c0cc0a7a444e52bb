"""Results on disk, and several of them as one."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bsdgen.artifacts import read_json
from bsdgen.coverage.nested import from_nested
from bsdgen.errors import InputError, UsageError
from bsdgen.measure.result import VERSION, Drawn, Measurement
from bsdgen.measure.run import added
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.measure.rv32i_draw import STREAM
from bsdgen.measure.strata import Axes

_KEPT = ("oracle", "oracle_sha256", "model_sha256", "finished", "tools")
_SAME = {
    "model_sha256": "model",
    "oracle": "oracle",
    "oracle_sha256": "version of the oracle's source",
    "tools": "version of the tools",
}


def axes_of(result: Measurement) -> Axes:
    """How a result's vectors are stratified."""
    if result.stream == STREAM:
        return InstructionStrata().axes
    names = tuple(item.name for item in result.classes)
    return Axes(names, names, class_of=np.arange(len(names)))


def read_measurement(path: Path) -> tuple[dict[str, Any], Measurement]:
    """Read what `bsdgen measure` wrote, a whole result or the part that an interrupted run left.

    Returns
    -------
    The document, and the measurement in it.

    Raises
    ------
    InputError
        The file is missing, is no such result, or contradicts itself.
    """
    facts = read_json(path)
    again = "measure again with `bsdgen measure`"
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise InputError(f"{path}: is no measurement of version {VERSION}; {again}")
    try:
        result = msgspec.convert(facts, Measurement)
        if result.stream != STREAM and result.operands:
            raise InputError(f"{path}: has vectors of {result.stream!r}, these are {STREAM!r}; {again}")
        names = axes_of(result).names
        counted = int(from_nested(result.strata, names).sum())
        wrong = int(from_nested(result.strata_errors, names).sum())
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        raise InputError(f"{path}: is no measurement ({error}); {again}") from error
    drawn = sum(part.last - part.first for part in result.drawn)
    by_class = sum(item.n for item in result.classes)
    if not (result.vectors == counted == drawn == by_class and result.errors == wrong):
        raise InputError(
            f"{path}: says {result.vectors:,} vectors and {result.errors:,} errors, but its strata hold "
            f"{counted:,} and {wrong:,}, its classes {by_class:,} vectors and its ranges {drawn:,}; {again}"
        )
    return facts, result


def check_same(known: Mapping[str, Any], path: Path, wanted: Mapping[str, Any], what_else: str) -> None:
    """Refuse a result that was measured of something else, or with something else.

    Parameters
    ----------
    known, path : what the result says, and its file.
    wanted : what it must say.
    what_else : end of the message: what to do.

    Raises
    ------
    InputError
        Model, oracle, the source of a callable oracle, or versions of bsdgen and tools differ.
    """
    for key, what in _SAME.items():
        if known.get(key) != wanted.get(key):
            raise InputError(
                f"{path}: is of another {what} ({_told(known.get(key))}, expected {_told(wanted.get(key))}); "
                f"{what_else}"
            )


def _told(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return "not recorded" if value is None else str(value)


def merge(paths: Sequence[Path]) -> tuple[dict[str, Any], Measurement]:
    """Results of several runs on one model as one.

    Returns
    -------
    What the documents say beside their measurements (model, oracle), and the measurement of all vectors.

    Raises
    ------
    UsageError
        Fewer than two files, or a vector is in two of them.
    InputError
        A file is no result, or they are of different models, oracles, tools or streams of vectors.
    """
    if len(paths) < 2:
        raise UsageError(f"at least two results are needed to merge, not {len(paths)}; give their files")
    read = [read_measurement(path) for path in paths]
    facts, first = read[0]
    for path, (other, result) in zip(paths[1:], read[1:], strict=True):
        check_same(
            other, path, facts, f"only results of what {paths[0]} is of can be merged with it; measure again"
        )
        if (result.stream, _names(result)) != (first.stream, _names(first)):
            raise InputError(
                f"{path}: has vectors of {result.stream!r}, {paths[0]} of {first.stream!r}; measure both "
                "with one version of bsdgen"
            )
    drawn = _disjoint(paths, [result for _, result in read])
    beside: dict[str, Any] = {key: facts[key] for key in _KEPT if key in facts}
    equal = [other.get("netlist_equal") for other, _ in read]
    if False in equal:  # one proof that it is not the model is enough, whatever the other parts looked at
        beside["netlist_equal"] = False
    elif None not in equal:
        beside["netlist_equal"] = True
    return beside, added(axes_of(first), [result for _, result in read], drawn)


def _names(result: Measurement) -> tuple[list[str], list[str]]:
    return [item.name for item in result.classes], list(result.errors_by_output)


def _disjoint(paths: Sequence[Path], results: Sequence[Measurement]) -> list[Drawn]:
    """Ranges of all results, if none overlap."""
    marked = sorted(
        (part, str(path)) for path, result in zip(paths, results, strict=True) for part in result.drawn
    )
    for (before, one), (after, other) in pairwise(marked):
        if before.seed == after.seed and after.first < before.last:
            last = min(before.last, after.last) - 1
            raise UsageError(
                f"{one} and {other} both have vectors {after.first:,} to {last:,} of seed {after.seed}; "
                "merge runs with different --seed, or other --first"
            )
    return [part for part, _ in marked]
