"""Labels of single bits, as tables of other programs have them, as fields.

Bits that are labelled ``a[0]`` to ``a[w-1]``, each once and in whatever order, are one field ``a`` of w bits
(2 to 64). Every other bit is a field of its own. Names become identifiers: what no identifier may hold
becomes ``_``, a leading digit gets a ``_`` before it, and of names that clash the later one gets a ``_``
behind it.
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bsdgen.traces.schema import Field, Schema

_BIT = re.compile(r"(.+)\[(\d{1,2})\]")


def fields_of(inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Schema, NDArray[np.intp]]:
    """Fields of labelled bits, and where each of their bits stands.

    Parameters
    ----------
    inputs, outputs : labels of the columns, from left to right.

    Returns
    -------
    schema : inputs first, fields in the order of their first columns.
    order : intp, shape (n_inputs + n_outputs,)
        Column of each bit in packing order, those of outputs counted on from those of inputs.

    Examples
    --------
    >>> schema, order = fields_of(["a[1]", "a[0]", "b[3]"], ["a", "class"])
    >>> [(field.name, field.width) for field in schema.fields], order.tolist()
    ([('a', 2), ('b_3', 1), ('a_', 1), ('class', 1)], [1, 0, 2, 3, 4])
    """
    taken: set[str] = set()
    fields, order = _side(inputs, "in", 0, taken)
    more, rest = _side(outputs, "out", len(inputs), taken)
    return Schema((*fields, *more)), np.array(order + rest, np.intp)


def _side(
    labels: Sequence[str], role: Literal["in", "out"], first: int, taken: set[str]
) -> tuple[list[Field], list[int]]:
    words = _words(labels)
    fields: list[Field] = []
    order: list[int] = []
    for column, label in enumerate(labels):
        match = _BIT.fullmatch(label)
        word = words.get(match[1]) if match else None
        if word is None:
            fields.append(Field(_free(label, role, taken), 1, role))
            order.append(first + column)
        elif column == min(word):
            assert match is not None
            fields.append(Field(_free(match[1], role, taken), len(word), role))
            order += [first + place for place in word]
    return fields, order


def _words(labels: Sequence[str]) -> dict[str, list[int]]:
    """Columns of the bits of each word that is whole, least significant bit first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for column, label in enumerate(labels):
        if match := _BIT.fullmatch(label):
            found.setdefault(match[1], []).append((int(match[2]), column))
    return {
        name: [column for _, column in sorted(bits)]
        for name, bits in found.items()
        if 2 <= len(bits) <= 64 and sorted(bit for bit, _ in bits) == list(range(len(bits)))
    }


def _free(label: str, role: str, taken: set[str]) -> str:
    """An identifier that no field has, and neither has its column of care bits; it is taken then."""
    name = re.sub(r"\W", "_", label.removesuffix("]"))
    if not name.isidentifier():
        name = f"_{name}"
    if not name.isidentifier():  # letters that are digits of other scripts, say
        name = re.sub(r"\W", "_", name, flags=re.ASCII)
    while name in taken or (role == "out" and f"{name}_care" in taken):
        name += "_"
    taken |= {name, f"{name}_care"} if role == "out" else {name}
    return name
