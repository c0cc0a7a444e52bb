"""Units: functions that several contexts share, each with operands of its own.

What stands for a unit's operands in its uses is the architecture that was found: which words a datapath unit
is given, and how an operand is put together from parts of a word.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.inspect.inspection import Inspection
from bsdgen.learn.control import ControlTree

_FREE = "-"  # a bit that a use does not need


def n_units(of: Inspection) -> int:
    """How many units were saved with the model."""
    return int(of.model.extra["unit_base"].shape[0]) if "unit_base" in of.model.extra else 0


def n_uses(of: Inspection) -> int:
    """In how many contexts units are used, all units together."""
    return len(np.unique(of.model.extra["unit_output"][:, :2], axis=0)) if n_units(of) else 0


def units(of: Inspection) -> list[dict[str, Any]]:
    """JSON-ready: every unit with its uses and, word by word, what stands for its operands there.

    ``nodes`` of a unit are those between its operands and its functions. An operand's ``choices`` are what
    its bits are, the highest first (``{2{a[3]}, a[3:1], 0}``: twice a[3], then three bits of a, then a
    constant; ``-``: the use does not need the bit), and the numbers of the uses where they are that.
    """
    return [_unit(of, unit) for unit in range(n_units(of))]


def _unit(of: Inspection, unit: int) -> dict[str, Any]:
    operand, choice, output = (
        _rows(of.model.extra[f"unit_{name}"], unit) for name in ("operand", "choice", "output")
    )
    base = int(of.model.extra["unit_base"][unit])
    # the context that the unit is from comes first
    places = sorted({int(place) for place in output[:, 0]}, key=lambda place: (place != base, place))
    stands = {place: {int(v): int(x) for c, v, x in choice if c == place} for place in places}
    made = output[output[:, 2] >= 0]
    functions = np.unique(made[made[:, 0] == base, 2])
    inner = np.setdiff1d(of.cone(functions), of.cone(np.unique(operand[operand[:, 1] >= 0, 1])))
    variables = sorted({v for of_place in stands.values() for v in of_place})
    return {
        "unit": unit,
        "functions": of.names.outputs(sorted(output[output[:, 0] == base, 1].tolist())),
        "n_functions": int((output[:, 0] == base).sum()),
        "n_operands": len(variables),
        "nodes": int(inner.shape[0]),
        "uses": [
            {
                "use": number,
                "context": place,
                "base": place == base,
                "outputs": of.names.outputs(sorted(output[output[:, 0] == place, 1].tolist())),
                "n_outputs": int((output[:, 0] == place).sum()),
                "where": where(of, place),
            }
            for number, place in enumerate(places, 1)
        ],
        "operands": [
            {
                "word": of.names.inputs(word),
                "bits": len(word),
                "choices": _choices(of, word, [stands[place] for place in places]),
            }
            for word in words(of, variables)
        ],
    }


def _rows(table: NDArray[np.int32], unit: int) -> NDArray[np.int32]:
    """A unit's rows of a table, without their first column."""
    return np.asarray(table[table[:, 0] == unit, 1:])


def words(of: Inspection, variables: Sequence[int]) -> list[list[int]]:
    """Variables (ascending) as words: neighbouring bits of one field each, the lowest first."""
    runs = groupby(
        enumerate(variables), key=lambda item: (of.names.input_bits[item[1]][0], item[1] - item[0])
    )
    return [[variable for _, variable in run] for _, run in runs]


def _choices(
    of: Inspection, word: Sequence[int], stands: Sequence[Mapping[int, int]]
) -> list[dict[str, Any]]:
    """What a word is in each use, the most frequent first."""
    found: dict[str, list[int]] = {}
    for number, of_use in enumerate(stands, 1):
        found.setdefault(concatenation(of, [of_use.get(variable) for variable in word]), []).append(number)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[1]))
    return [{"is": text, "uses": uses} for text, uses in ordered]


def concatenation(of: Inspection, literals: Sequence[int | None]) -> str:
    """Literals of input bits, the lowest first, as the text of a word, the highest first.

    Bits of a field that follow each other are a range (``a[3:1]``; from low to high ``a[1:3]``), equal ones a
    repetition; None is `_FREE`.
    """
    parts, highest_first = [], list(reversed(literals))
    at = 0
    while at < len(highest_first):
        runs = [_run(of, highest_first[at:], step) for step in (-2, 2, 0)]
        length, text = max(runs, key=lambda run: run[0])
        parts.append(text)
        at += length
    return parts[0] if len(parts) == 1 and "{" not in parts[0] else "{" + ", ".join(parts) + "}"


def _run(of: Inspection, literals: Sequence[int | None], step: int) -> tuple[int, str]:
    """How many literals from the first on differ by `step` each within a field, and their text."""
    first = literals[0]
    if first is None or first < 2 or step == 0:
        n = next((i for i, literal in enumerate(literals) if literal != first), len(literals))
        text = _FREE if first is None else of.names.literal(first)
        return n, text if n == 1 else f"{n}{{{text}}}"
    bits = of.names.input_bits
    field, high, _ = bits[(first >> 1) - 1]
    n = 1
    while n < len(literals) and literals[n] == first + n * step:
        if bits[((first + n * step) >> 1) - 1][0] != field:
            break
        n += 1
    if n == 1:
        return 1, of.names.literal(first)
    return n, f"{'!' * (first & 1)}{field}[{high}:{high + (n - 1) * step // 2}]"


def where(of: Inspection, context: int) -> str:
    """When a context holds: fixed inputs, and functions that are guards on the way to it."""
    mask, value = of.model.extra["unit_mask"][context], of.model.extra["unit_value"][context]
    if of.tree is None:
        return of.names.cube(mask, value)
    tree, parents = of.tree, of.tree.parents()
    here = context if context < tree.n_contexts else _leaf_around(tree, mask, value)
    fixed = mask & ~tree.mask[here]
    functions: list[str] = []
    while parents[here] >= 0:
        above = int(parents[here])
        guard, high = int(tree.guard[above]), int(tree.high[above]) == here
        if guard >> 1 < of.first:
            fixed |= tree.mask[here] & ~tree.mask[above]
        else:
            functions.insert(0, f"{of.names.literal(guard & ~1)}={int(high) ^ (guard & 1)}")
        here = above
    inputs = [of.names.cube(fixed, value & fixed)] if fixed.any() or not functions else []
    is_cube = of.model.extra.get("unit_is_cube")
    side = ["on one side of a function"] if is_cube is not None and not is_cube[context] else []
    return " ".join(inputs + functions + side)


def _leaf_around(tree: ControlTree, mask: U64, value: U64) -> int:
    """The smallest context of the tree that holds a cube: the one that was split for a unit."""
    holds = ((tree.mask & ~mask) == 0).all(axis=1) & ((value & tree.mask) == tree.value).all(axis=1)
    fixed = np.bitwise_count(tree.mask).sum(axis=1, dtype=np.int64)
    return int(np.argmax(np.where(holds, fixed, -1)))
