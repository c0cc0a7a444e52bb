"""What a measurement found; a count never stands without its n and its bound."""

from dataclasses import asdict, dataclass
from typing import Any

from bsdgen.bounds import upper_bound

__all__ = ["ClassResult", "Measurement", "failure_text", "measurement_text", "upper_bound"]

_SHOWN = 5  # failures in the text form; the JSON form has all


@dataclass(frozen=True)
class ClassResult:
    """Counts of one class of vectors (an instruction, or a kind of vector where the schema is generic).

    Attributes
    ----------
    name : the class.
    n : vectors compared.
    errors : vectors with at least one cared output bit that differs.
    upper : upper end of the 95 % Clopper-Pearson interval of the error rate.
    first_failure : the first differing vector, fields as hexadecimal text; None if there is none.
    """

    name: str
    n: int
    errors: int
    upper: float
    first_failure: dict[str, Any] | None = None


@dataclass(frozen=True)
class Measurement:
    """A whole measurement.

    Attributes
    ----------
    vectors, errors, upper : over all classes, as in `ClassResult`.
    classes : one a class, in a fixed order; their `n` add up to `vectors`.
    errors_by_output : vectors that differ in each output field (a vector may count in several).
    seed : seed of the vectors.
    distributions : names of the operand distributions that were drawn from.
    wall_s : seconds.
    """

    vectors: int
    errors: int
    upper: float
    classes: tuple[ClassResult, ...]
    errors_by_output: dict[str, int]
    seed: int
    distributions: tuple[str, ...]
    wall_s: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def measurement_text(result: Measurement) -> str:
    """Lay out a measurement as text: a line a class, the totals, the first failure of each failing class."""
    rows = [(item.name, item.n, item.errors, item.upper) for item in result.classes]
    rows.append(("all", result.vectors, result.errors, result.upper))
    lines = [f"{'class':<12}{'n':>13}{'errors':>10}{'95 % bound':>13}"]
    lines += [f"{name:<12}{n:>13,}{errors:>10,}{upper:>13.2e}" for name, n, errors, upper in rows]
    lines.append(f"{result.vectors / max(result.wall_s, 1e-9):,.0f} vectors/s, {result.wall_s:.1f} s")
    failing = [item for item in result.classes if item.first_failure is not None]
    for item in failing[:_SHOWN]:
        assert item.first_failure is not None
        lines.append(f"first failure of {item.name}: {failure_text(item.first_failure)}")
    if len(failing) > _SHOWN:
        lines.append(f"{len(failing) - _SHOWN} more classes fail")
    return "\n".join(lines)


def failure_text(failure: dict[str, Any]) -> str:
    """One line on a failing vector."""
    given = " ".join(f"{name}={value}" for name, value in failure["inputs"].items())
    wrong = "; ".join(
        f"{name} is {pair['model']}, expected {pair['oracle']}" for name, pair in failure["outputs"].items()
    )
    says = f"{failure['text']}: " if failure.get("text") else ""
    return f"{says}{given}: {wrong}"
