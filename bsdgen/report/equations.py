"""Equations of discovered functions: small nodes and outputs as minimised sums of products.

A node whose structural support is small enough is evaluated on all assignments of that support and minimised
by espresso (Brayton et al., Logic Minimization Algorithms for VLSI Synthesis, 1984; pyeda's binding). Every
result is evaluated again and compared with the diagram on all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.bsd import Bsd
from bsdgen.errors import CheckFailed
from bsdgen.model import Model
from bsdgen.report.structure import Structure

MIN_SUPPORT, MAX_SUPPORT = 3, 12
_MAX_TERMS = 8  # a longer sum is no reading matter
_MIN_USES = 4  # of a function that nothing tests: below that it is a path, not a part


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


def find_equations(model: Model, structure: Structure, *, limit: int = 12) -> list[Equation]:
    """Minimise the small functions that are used most, then the outputs of small support.

    Nodes whose guard a function is count before nodes that branch to it. Outputs of one field and one form
    (mem_wdata[8] and mem_wdata[9], say) are shown once.

    Parameters
    ----------
    model : the model.
    structure : of the model's diagram.
    limit : how many inner nodes at most, and how many outputs at most.

    Raises
    ------
    CheckFailed
        A minimised sum is not the node's function (a fault in the minimiser).
    """
    supports = model.bsd.supports()
    size = supports.sum(axis=1)
    small = (size >= MIN_SUPPORT) & (size <= MAX_SUPPORT)
    small[: 1 + model.bsd.n_inputs] = False
    guards, uses = structure.guard_uses, structure.branch_uses
    inner: list[Equation] = []
    for index in np.lexsort((-uses, -guards)).tolist():
        if len(inner) == limit or (guards[index] == 0 and uses[index] < _MIN_USES):
            break
        if small[index]:
            found = minimise(model, f"node {index}", 2 * index, supports[index])
            if found is not None:
                inner.append(replace(found, guards=int(guards[index]), uses=int(uses[index])))
    return [*inner, *_outputs(model, supports, small, limit)]


def _outputs(
    model: Model, supports: NDArray[np.bool_], small: NDArray[np.bool_], limit: int
) -> list[Equation]:
    forms: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Equation] = {}
    for name, literal in zip(model.schema.output_names(), model.bsd.roots.tolist(), strict=True):
        found = minimise(model, name, literal, supports[literal >> 1]) if small[literal >> 1] else None
        if found is None:
            continue
        fields = tuple(variable.split("[")[0] for variable in found.support)
        form = (name.split("[")[0], fields, found.terms)
        if form in forms:
            forms[form] = replace(forms[form], alike=forms[form].alike + 1)
        elif len(forms) < limit:
            forms[form] = found
    return list(forms.values())


def minimise(model: Model, name: str, literal: int, support: NDArray[np.bool_]) -> Equation | None:
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
