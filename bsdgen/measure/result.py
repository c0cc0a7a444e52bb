"""What a measurement found; a count never stands without its n and its bound."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bounds import lower_bound, upper_bound
from bsdgen.coverage.nested import Nested, to_nested
from bsdgen.measure.counts import I64
from bsdgen.measure.strata import Axes

__all__ = ["ClassResult", "Drawn", "Measurement", "failure_text", "measurement_text", "upper_bound"]

VERSION = 2
_SHOWN = 5  # failures in the text form; the JSON form has all


@dataclass(frozen=True)
class ClassResult:
    """Counts of one class of vectors (an instruction, or a kind of vector where the schema is generic).

    Attributes
    ----------
    name : the class.
    n : vectors compared.
    errors : vectors with at least one cared output bit that differs.
    upper, lower : ends of the 95 % Clopper-Pearson interval of the error rate.
    first_failure : the first differing vector, with seed and position, fields as hexadecimal text; None if
        there is none.
    """

    name: str
    n: int
    errors: int
    upper: float
    first_failure: dict[str, Any] | None = None
    lower: float = 0.0


def class_result(name: str, n: int, errors: int, failure: dict[str, Any] | None = None) -> ClassResult:
    """Counts with their bounds."""
    return ClassResult(name, n, errors, upper_bound(errors, n), failure, lower_bound(errors, n))


@dataclass(frozen=True, order=True)
class Drawn:
    """Vectors ``first .. last - 1`` of a seed's stream."""

    seed: int
    first: int
    last: int


def joined(parts: Sequence[Drawn]) -> tuple[Drawn, ...]:
    """The same vectors in as few ranges as can be, in order.

    >>> joined([Drawn(0, 5, 9), Drawn(1, 0, 5), Drawn(0, 0, 5)])
    (Drawn(seed=0, first=0, last=9), Drawn(seed=1, first=0, last=5))
    """
    out: list[Drawn] = []
    for part in sorted(parts):
        if out and (out[-1].seed, out[-1].last) == (part.seed, part.first):
            out[-1] = Drawn(part.seed, out[-1].first, part.last)
        else:
            out.append(part)
    return tuple(out)


@dataclass(frozen=True)
class Measurement:
    """A whole measurement, or as much of it as was done.

    Attributes
    ----------
    vectors, errors, upper, lower : over all classes, as in `ClassResult`.
    classes : one a class, in a fixed order; their `n` add up to `vectors`.
    operands, hazards, patterns : the same vectors by operand class, by hazard, and the illegal words among
        them by pattern (`bsdgen.coverage.cells`); empty where the source of vectors does not tell.
    errors_by_output : vectors that differ in each output field (a vector may count in several).
    drawn : which vectors of which seeds.
    stream : what the vectors of a seed are.
    distributions : names of the operand distributions that were drawn from.
    wall_s : seconds, of all runs together.
    strata, strata_errors : n, and errors where there are some, by row class, operand class and hazard.
    """

    vectors: int
    errors: int
    upper: float
    classes: tuple[ClassResult, ...]
    errors_by_output: dict[str, int]
    drawn: tuple[Drawn, ...]
    distributions: tuple[str, ...]
    wall_s: float
    stream: str = ""
    lower: float = 0.0
    operands: tuple[ClassResult, ...] = ()
    hazards: tuple[ClassResult, ...] = ()
    patterns: tuple[ClassResult, ...] = ()
    strata: Nested = field(default_factory=dict)
    strata_errors: Nested = field(default_factory=dict)
    version: int = VERSION

    @property
    def failures(self) -> dict[str, dict[str, Any]]:
        """The first failure of each class that has one."""
        return {item.name: item.first_failure for item in self.classes if item.first_failure is not None}

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def summarise(
    axes: Axes,
    n: I64,
    errors: I64,
    errors_by_output: Mapping[str, int],
    failures: Mapping[str, dict[str, Any]],
    *,
    drawn: Sequence[Drawn],
    stream: str,
    distributions: tuple[str, ...],
    wall_s: float,
) -> Measurement:
    """A measurement from its counts by cell.

    Parameters
    ----------
    n, errors : int64, shape (n_cells,)
    failures : first failure by class.
    """
    cube, wrong = n.reshape(axes.shape), errors.reshape(axes.shape)
    by_row, wrong_by_row = cube.sum(axis=(1, 2)), wrong.sum(axis=(1, 2))

    def along(axis: int, names: Sequence[str]) -> tuple[ClassResult, ...]:
        if len(names) < 2:
            return ()
        others = tuple(other for other in range(3) if other != axis)
        both = cube.sum(axis=others).tolist(), wrong.sum(axis=others).tolist()
        return tuple(class_result(*item) for item in zip(names, *both, strict=True))

    def by_class(values: I64) -> list[int]:
        out = np.zeros(len(axes.classes), np.int64)
        np.add.at(out, axes.class_of, values)
        return [int(value) for value in out]

    of_class: NDArray[np.intp] = np.bincount(axes.class_of, minlength=len(axes.classes))
    vectors, total = int(n.sum()), int(errors.sum())
    return Measurement(
        vectors=vectors,
        errors=total,
        upper=upper_bound(total, vectors),
        lower=lower_bound(total, vectors),
        classes=tuple(
            class_result(name, count, bad, failures.get(name))
            for name, count, bad in zip(axes.classes, by_class(by_row), by_class(wrong_by_row), strict=True)
        ),
        operands=along(1, axes.operands),
        hazards=along(2, axes.hazards),
        # Row classes that share their class by more than being taken or not: the illegal patterns.
        patterns=tuple(
            class_result(row, int(by_row[at]), int(wrong_by_row[at]))
            for at, row in enumerate(axes.rows)
            if of_class[axes.class_of[at]] > 2
        ),
        errors_by_output=dict(errors_by_output),
        drawn=joined(drawn),
        stream=stream,
        distributions=distributions,
        wall_s=wall_s,
        strata=to_nested(cube, axes.names),
        strata_errors=to_nested(wrong, axes.names),
    )


def measurement_text(result: Measurement) -> str:
    """Lay out a measurement as text: a line a class, the totals, the first failure of each failing class."""
    lines = _table("class", [*result.classes, class_result("all", result.vectors, result.errors)])
    for head, part in (
        ("operands", result.operands),
        ("hazard", result.hazards),
        ("illegal word", result.patterns),
    ):
        if part:
            lines += ["", *_table(head, part)]
    if result.errors:
        lines.append(f"error rate {result.lower:.2e} to {result.upper:.2e} with 95 % confidence")
    lines.append(f"{result.vectors / max(result.wall_s, 1e-9):,.0f} vectors/s, {result.wall_s:.1f} s")
    failing = list(result.failures.items())
    for name, failure in failing[:_SHOWN]:
        lines.append(f"first failure of {name}: {failure_text(failure)}")
    if len(failing) > _SHOWN:
        lines.append(f"{len(failing) - _SHOWN} more classes fail")
    return "\n".join(lines)


def _table(head: str, rows: Sequence[ClassResult]) -> list[str]:
    names = [item.name.removeprefix("illegal: ") for item in rows]
    width = max(12, *(len(name) for name in names)) + 2
    lines = [f"{head:<{width}}{'n':>15}{'errors':>10}{'95 % bound':>13}"]
    return lines + [
        f"{name:<{width}}{item.n:>15,}{item.errors:>10,}{item.upper:>13.2e}"
        for name, item in zip(names, rows, strict=True)
    ]


def failure_text(failure: dict[str, Any]) -> str:
    """One line on a failing vector."""
    given = " ".join(f"{name}={value}" for name, value in failure["inputs"].items())
    wrong = "; ".join(
        f"{name} is {pair['model']}, expected {pair['oracle']}" for name, pair in failure["outputs"].items()
    )
    says = f"{failure['text']}: " if failure.get("text") else ""
    return f"{says}{given}: {wrong}"
