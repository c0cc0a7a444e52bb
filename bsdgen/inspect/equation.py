"""Small functions as minimised sums of products.

A function whose structural support is small enough is evaluated on all assignments of that support and
minimised by espresso (Brayton et al., Logic Minimization Algorithms for VLSI Synthesis, 1984; pyeda's
binding). Every result is evaluated again and compared with the diagram on all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.bsd import Bsd
from bsdgen.errors import CheckFailed
from bsdgen.model import Model

MAX_SUPPORT = 12  # variables that a function may have to be minimised
MAX_TERMS = 8  # a longer sum is no reading matter


@dataclass(frozen=True)
class Equation:
    """A function of few variables as a sum of products.

    Attributes
    ----------
    name : the output bit, or "node N".
    support : names of the variables, as they are ordered in `terms`.
    terms : a product each, a character a variable: "1" as it is, "0" complemented, "-" absent.
    guards, uses : nodes that test it, and nodes that branch to it (of an inner node).
    alike : further outputs of the same field and form.
    """

    name: str
    support: tuple[str, ...]
    terms: tuple[str, ...]
    guards: int = 0
    uses: int = 0
    alike: int = 0

    @property
    def text(self) -> str:
        """The sum of products, ``!`` for complement.

        >>> Equation("f", ("a", "b"), ("10", "-1")).text
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

        >>> Equation("f", ("w[0]", "w[2]"), ("10", "-1")).pattern()
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


def minimise(model: Model, name: str, literal: int, support: NDArray[np.bool_]) -> Equation | None:
    """Minimise one literal's function over its support (bool, shape (n_inputs,)).

    None if it is constant or its sum has more than `MAX_TERMS` products.
    """
    (variables,) = np.nonzero(support)
    assignments, values = truth_table(model.bsd, literal, variables)
    if values.all() or not values.any():
        return None
    terms = espresso_terms(assignments, values)
    if not np.array_equal(_covered(assignments, terms), values):
        raise CheckFailed(
            f"{name}: the minimised sum of products is not the function of the diagram; report this as a bug"
        )
    if len(terms) > MAX_TERMS:
        return None
    used = [column for column in range(variables.size) if any(term[column] != "-" for term in terms)]
    names = model.schema.input_names()
    return Equation(
        name,
        tuple(names[variables[column]] for column in used),
        tuple("".join(term[column] for column in used) for term in terms),
    )


def truth_table(
    bsd: Bsd, literal: int, variables: NDArray[np.intp]
) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """All assignments of some variables and a literal's value on each; the other variables are 0.

    Returns
    -------
    int, shape (2 ** k, k), the first variable changing fastest; bool, shape (2 ** k,)
    """
    k = variables.size
    assignments = (np.arange(1 << k)[:, np.newaxis] >> np.arange(k)) & 1
    rows = np.zeros((assignments.shape[0], bsd.n_inputs), np.bool_)
    rows[:, variables] = assignments
    wanted = np.full(rows.shape[0], literal, np.int32)
    return assignments, bsd.evaluate_each(from_bool(rows), wanted)


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
