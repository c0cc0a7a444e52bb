"""Operand multiplexers: nodes that only choose between input bits.

Nothing is known beforehand about which inputs are words, operands or controls. A node *chooses* if each of
its branches is a constant, an input bit or again a node that chooses, and none of the input bits that may be
chosen is tested on the way. Nodes that choose alike, from the same fields under the control of the same
fields, form a group: a word's worth of multiplexers.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsdgen.inspect.inspection import Inspection

_FEWEST = 2  # input bits that a multiplexer chooses between


@dataclass(frozen=True)
class Choice:
    """What a node chooses between, and what it tests for that: variables, and indices of guards."""

    data: frozenset[int]
    controls: frozenset[int]


def operands(of: Inspection) -> list[dict[str, Any]]:
    """JSON-ready: groups of multiplexers that something else uses, largest group first."""
    choices = find_choices(of)
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
    for index in _used(of, choices):
        choice = choices[index]
        fields = tuple(sorted({of.names.input_bits[v][0] for v in choice.data}))
        controls = tuple(sorted({_field(of, guard) for guard in choice.controls}))
        groups[fields, controls].append(index)
    found = [_group(of, choices, nodes) for nodes in groups.values()]
    return sorted(found, key=lambda group: (-group["count"], group["nodes"]))


def find_choices(of: Inspection) -> dict[int, Choice]:
    """Every node that only chooses between input bits, at least `_FEWEST` of them; linear in nodes."""
    nothing = frozenset[int]()
    choices = {0: Choice(nothing, nothing)}
    choices |= {1 + v: Choice(frozenset([v]), nothing) for v in range(of.bsd.n_inputs)}
    for index, guard, low, high in of.bsd.nodes():
        lower, higher = choices.get(low >> 1), choices.get(high >> 1)
        if lower is None or higher is None:
            continue
        data = lower.data | higher.data
        controls = lower.controls | higher.controls | {guard >> 1}
        tested = of.supports[np.ix_(sorted(controls), sorted(data))]
        if data and not tested.any():
            choices[index] = Choice(data, controls)
    return {i: c for i, c in choices.items() if i >= of.first and len(c.data) >= _FEWEST}


def _used(of: Inspection, choices: dict[int, Choice]) -> list[int]:
    """Multiplexers that are an output, are tested, or are a branch of a node that does not only choose."""
    used = {root >> 1 for root in of.bsd.roots.tolist()}
    for index, guard, low, high in of.bsd.nodes():
        used.add(guard >> 1)
        if index not in choices:
            used |= {low >> 1, high >> 1}
    return sorted(used & choices.keys())


def _field(of: Inspection, index: int) -> str:
    return of.names.input_bits[index - 1][0] if index < of.first else "f"


def _group(of: Inspection, choices: dict[int, Choice], nodes: list[int]) -> dict[str, Any]:
    data = frozenset[int]().union(*(choices[index].data for index in nodes))
    controls = frozenset[int]().union(*(choices[index].controls for index in nodes))
    variables = [index - 1 for index in controls if index < of.first]
    sizes = [len(choices[index].data) for index in nodes]
    above = np.bitwise_or.reduce(of.outputs_above[nodes], axis=0)
    outputs = [o for o in range(of.bsd.n_outputs) if int(above[o >> 6]) >> (o & 63) & 1]
    return {
        "count": len(nodes),
        "chooses": of.names.inputs(data),
        "pattern": _pattern(of, [choices[index].data for index in nodes]),
        "least": min(sizes),
        "most": max(sizes),
        "by": of.names.inputs(variables),
        "by_functions": sorted(index for index in controls if index >= of.first),
        "outputs": of.names.outputs(outputs),
        "nodes": nodes,
    }


def _pattern(of: Inspection, data: list[frozenset[int]]) -> str | None:
    """How the chosen bits run along with each other, as ``a[i] or b[i+20]``; None if they do not.

    i is the bit of the first field of which every multiplexer chooses one bit.
    """
    bits = of.names.input_bits
    counted = [Counter(bits[v][0] for v in chosen) for chosen in data]
    fields = sorted({name for count in counted for name in count})
    leading = [name for name in fields if all(count[name] == 1 for count in counted)]
    if not leading or len(data) < _FEWEST:
        return None
    at = [next(bits[v][1] for v in chosen if bits[v][0] == leading[0]) for chosen in data]
    parts = [f"{leading[0]}[i]"]
    for name in [name for name in fields if name != leading[0]]:
        offsets = Counter(
            bits[v][1] - i for chosen, i in zip(data, at, strict=True) for v in chosen if bits[v][0] == name
        )
        parts += [
            f"{name}[i{offset:+d}]" if offset else f"{name}[i]" for offset in _regular(offsets, len(data))
        ]
        if not _regular(offsets, len(data)):
            return None
    return " or ".join(parts) if len(parts) > 1 else None


def _regular(offsets: Counter[int], n: int) -> list[int]:
    """Offsets that at least a third of n multiplexers have."""
    return sorted(offset for offset, count in offsets.items() if 3 * count >= n)
