"""Equations of discovered functions: small nodes and outputs as minimised sums of products.

A node whose structural support is small enough is evaluated on all assignments of that support and minimised
by espresso (Brayton et al., Logic Minimization Algorithms for VLSI Synthesis, 1984; pyeda's binding). Every
result is evaluated again and compared with the diagram on all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.bsd import Bsd
from bsdgen.errors import CheckFailed
from bsdgen.model import Model

MIN_SUPPORT, MAX_SUPPORT = 3, 12
_MAX_TERMS = 12  # a longer sum is no reading matter


@dataclass(frozen=True)
class Equation:
    """A function of few variables as a sum of products.

    Attributes
    ----------
    name : the output bit, or "node N".
    guards : nodes whose guard it is.
    support : names of the variables, as they are ordered in `terms`.
    terms : a product each, a character a variable: "1" as it is, "0" complemented, "-" absent.
    """

    name: str
    guards: int
    support: tuple[str, ...]
    terms: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sum of products, ``!`` for complement.

        >>> Equation("f", 1, ("a", "b"), ("10", "-1")).text
        'a !b | b'
        """
        if not self.terms:
            return "0"
        products = []
        for term in self.terms:
            literals = [
                name if sign == "1" else f"!{name}"
                for name, sign in zip(self.support, term, strict=True)
                if sign != "-"
            ]
            products.append(" ".join(literals) or "1")
        return " | ".join(products)

    def pattern(self) -> tuple[str, tuple[str, ...]] | None:
        """Terms as bit patterns of one field, high bit first; None if the support spans several fields.

        >>> Equation("f", 1, ("w[0]", "w[2]"), ("10", "-1")).pattern()
        ('w[2:0]', ('0.1', '1..'))
        """
        split = [name.rstrip("]").split("[") for name in self.support]
        if len({parts[0] for parts in split}) != 1 or any(len(parts) != 2 for parts in split):
            return None
        bits = [int(parts[1]) for parts in split]
        high, low = max(bits), min(bits)
        patterns = []
        for term in self.terms:
            cells = ["."] * (high - low + 1)
            for bit, sign in zip(bits, term, strict=True):
                cells[high - bit] = "." if sign == "-" else sign
            patterns.append("".join(cells))
        return f"{split[0][0]}[{high}:{low}]", tuple(patterns)


def find_equations(model: Model, guard_uses: NDArray[np.int64], *, limit: int = 16) -> list[Equation]:
    """Minimise the small functions that are tested most, then the outputs of small support.

    Parameters
    ----------
    model : the model.
    guard_uses : int64, by index: the nodes whose guard it is.
    limit : how many functions of inner nodes at most, and how many outputs at most.

    Raises
    ------
    CheckFailed
        A minimised sum is not the node's function (a fault in the minimiser).
    """
    first = 1 + model.bsd.n_inputs
    supports = model.bsd.supports()
    size = supports.sum(axis=1)
    small = (size >= MIN_SUPPORT) & (size <= MAX_SUPPORT)
    small[:first] = False
    by_use = [int(index) for index in np.argsort(-guard_uses, kind="stable") if small[index]]
    names = model.schema.output_names()
    wanted = [(f"node {index}", 2 * index) for index in by_use if guard_uses[index] > 0]
    outputs = [
        (name, int(literal))
        for name, literal in zip(names, model.bsd.roots, strict=True)
        if small[literal >> 1]
    ]
    found: list[Equation] = []
    for group in (wanted, outputs):
        taken = 0
        for name, literal in group:
            if taken == limit:
                break
            equation = minimise(model, name, literal, supports[literal >> 1], int(guard_uses[literal >> 1]))
            if equation is not None:
                found.append(equation)
                taken += 1
    return found


def minimise(
    model: Model, name: str, literal: int, support: NDArray[np.bool_], guards: int
) -> Equation | None:
    """Minimise one literal's function over its support; None if it is constant or its sum is long."""
    (variables,) = np.nonzero(support)
    k = variables.size
    assignments = (np.arange(1 << k)[:, np.newaxis] >> np.arange(k)) & 1
    values = _values(model.bsd, literal, variables, assignments.astype(np.bool_))
    if values.all() or not values.any():
        return None
    terms = espresso_terms(assignments, values)
    if not np.array_equal(_covered(assignments, terms), values):
        raise CheckFailed(
            f"{name}: the minimised sum of products is not the function of the diagram; report this as a bug"
        )
    if len(terms) > _MAX_TERMS:
        return None
    used = [column for column in range(k) if any(term[column] != "-" for term in terms)]
    names = model.schema.input_names()
    return Equation(
        name,
        guards,
        tuple(names[variables[column]] for column in used),
        tuple("".join(term[column] for column in used) for term in terms),
    )


def _values(
    bsd: Bsd, literal: int, variables: NDArray[np.intp], assignments: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Truth table of a literal; variables outside its support are 0."""
    rows = np.zeros((assignments.shape[0], bsd.n_inputs), np.bool_)
    rows[:, variables] = assignments
    last = max(0, (literal >> 1) - bsd.n_inputs)  # nodes above the literal need not be evaluated
    part = Bsd(
        bsd.n_inputs,
        bsd.guard[:last],
        bsd.low[:last],
        bsd.high[:last],
        np.array([literal], np.int32),
    )
    return (part.evaluate(from_bool(rows))[:, 0] & np.uint64(1)).astype(np.bool_)


def espresso_terms(assignments: NDArray[np.int_], values: NDArray[np.bool_]) -> tuple[str, ...]:
    """Minimise a truth table.

    Parameters
    ----------
    assignments : 0 or 1, shape (n, k).
    values : shape (n,); the rows that are true, at least one.

    Returns
    -------
    Products in a fixed order, see `Equation.terms`.
    """
    from pyeda.boolalg import espresso

    # Positional cubes: 1 is "variable is 0", 2 is "variable is 1", 3 is "absent".
    cover = {(tuple((row + 1).tolist()), (1,)) for row in assignments[values]}
    minimal = espresso.espresso(assignments.shape[1], 1, cover, intype=espresso.FTYPE)
    return tuple(sorted(("".join("?01-"[part] for part in inputs) for inputs, _ in minimal), reverse=True))


def _covered(assignments: NDArray[np.int_], terms: Sequence[str]) -> NDArray[np.bool_]:
    """Evaluate a sum of products."""
    covered = np.zeros(assignments.shape[0], np.bool_)
    for term in terms:
        product = np.ones(assignments.shape[0], np.bool_)
        for column, sign in enumerate(term):
            if sign != "-":
                product &= assignments[:, column] == int(sign)
        covered |= product
    return covered
