"""Equations of discovered functions: which small nodes and outputs are worth reading."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.inspect.equation import MAX_SUPPORT, Equation, minimise
from bsdgen.model import Model
from bsdgen.report.structure import Structure

MIN_SUPPORT = 3
_MIN_USES = 4  # of a function that nothing tests: below that it is a path, not a part


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
