"""One node or output: what it is, where it came from, on what evidence, and where it is used."""

import difflib
from typing import Any

import numpy as np

from bsdgen.errors import UsageError
from bsdgen.inspect.equation import truth_table
from bsdgen.inspect.inspection import Inspection
from bsdgen.inspect.shared import equation, n_contexts
from bsdgen.learn.ledger import Kind, Status

_SHOWN = 16  # parents and records that are listed one by one
_TABLE_SUPPORT = 5  # variables of a function whose truth table is shown


def node(of: Inspection, index: int) -> dict[str, Any]:
    """JSON-ready: a node's guard and branches, cube, evidence, size, function and users.

    Raises
    ------
    UsageError
        There is no such node.
    """
    if not of.first <= index < of.first + of.bsd.n_nodes:
        if not of.bsd.n_nodes:
            raise UsageError(f"node {index}: the diagram has no nodes; look at its --output instead")
        raise UsageError(
            f"node {index}: there is no such node; nodes are numbered {of.first} to "
            f"{of.first + of.bsd.n_nodes - 1} (smaller numbers are input bits)"
        )
    at = index - of.first
    support = np.flatnonzero(of.supports[index])
    return {
        "node": index,
        "guard": of.names.literal(int(of.bsd.guard[at])),
        "high": of.names.literal(int(of.bsd.high[at])),
        "low": of.names.literal(int(of.bsd.low[at])),
        "stands_for": _stands_for(of, index),
        "evidence": _evidence(of, index),
        "cone": int(of.cone(np.array([2 * index], np.int32)).shape[0]),
        "n_support": int(support.shape[0]),
        "support": of.names.inputs(support.tolist()),
        "equation": equation(of, 2 * index),
        "truth_table": _truth_table(of, 2 * index),
        **_users(of, index),
        "outputs": of.names.outputs(of.outputs_of(index)),
        "contexts": n_contexts(of, index),
    }


def _stands_for(of: Inspection, index: int) -> list[dict[str, Any]]:
    """Output bits and cubes whose function the node is; ``complement``: it is stored complemented."""
    if of.ledger is None:
        return []
    found = of.ledger.of_node(index)
    found = found[of.ledger.kind[found] == Kind.INDEPENDENT]
    return [
        {
            "output": of.names.output_names[int(of.ledger.output[at])],
            "cube": of.names.cube(of.ledger.mask[at], of.ledger.value[at]),
            "complement": bool(of.ledger.target[at] & 1),
        }
        for at in found.tolist()
    ]


def _evidence(of: Inspection, index: int) -> list[dict[str, Any]]:
    """The node's records, its own ones first, then those with least evidence."""
    ledger = of.ledger
    if ledger is None:
        return []
    found = ledger.of_node(index)
    order = np.lexsort((ledger.fresh[found], ledger.kind[found] != Kind.INDEPENDENT))
    return [record(of, int(at)) for at in found[order][:_SHOWN]]


def record(of: Inspection, at: int) -> dict[str, Any]:
    """One record of the ledger in words."""
    ledger = of.needed_ledger()
    output, target = int(ledger.output[at]), int(ledger.target[at])
    return {
        "record": at,
        "kind": Kind(int(ledger.kind[at])).text,
        "status": Status(int(ledger.status[at])).text,
        "output": of.names.output_names[output] if output >= 0 else "all outputs",
        "cube": of.names.cube(ledger.mask[at], ledger.value[at]),
        "is": of.names.literal(target) if target >= 0 else None,
        "bank_rows": int(ledger.rows[at]),
        "fresh_rows": int(ledger.fresh[at]),
        "more": int(ledger.more[at]),
    }


def _truth_table(of: Inspection, literal: int) -> str | None:
    """Values on all assignments of the support, the first variable changing fastest; None if it is wide."""
    (variables,) = np.nonzero(of.supports[literal >> 1])
    if variables.size > _TABLE_SUPPORT:
        return None
    return "".join("01"[int(value)] for value in truth_table(of.bsd, literal, variables)[1])


def _users(of: Inspection, index: int) -> dict[str, Any]:
    """Nodes and outputs that use a node, by role; at most `_SHOWN` of each role, and how many there are."""
    facts: dict[str, Any] = {}
    for role, column in (("guard", of.bsd.guard), ("low", of.bsd.low), ("high", of.bsd.high)):
        users = np.flatnonzero(column >> 1 == index) + of.first
        facts[f"{role}_of"] = {"count": int(users.shape[0]), "nodes": users[:_SHOWN].tolist()}
    facts["root_of"] = of.names.outputs(np.flatnonzero(of.bsd.roots >> 1 == index).tolist())
    return facts


def find_output(of: Inspection, name: str) -> list[int]:
    """Positions of the output bits that a name means: all bits of a field, or ``field[bit]``.

    Raises
    ------
    UsageError
        There is no such output.
    """
    names = of.names.output_names
    if name in names:
        return [names.index(name)]
    found = [at for at, (field, _, _) in enumerate(of.names.output_bits) if field == name]
    if found:
        return found
    fields = [field.name for field in of.model.schema.outputs]
    close = difflib.get_close_matches(name, [*fields, *names], 1)
    meant = f"did you mean {close[0]!r}?" if close else "give one of them, or one bit as NAME[bit]"
    raise UsageError(f"output {name!r}: there is no such output; outputs are {', '.join(fields)}; {meant}")


def output(of: Inspection, name: str) -> dict[str, Any]:
    """JSON-ready: the bits of an output, and the node behind it if it is one bit.

    Raises
    ------
    UsageError
        There is no such output.
    """
    positions = find_output(of, name)
    literals = of.bsd.roots[positions]
    facts: dict[str, Any] = {
        "output": name,
        "cone": int(of.cone(literals).shape[0]),
        "support": of.names.inputs(np.flatnonzero(of.supports[literals >> 1].any(axis=0)).tolist()),
        "bits": [_bit(of, position) for position in positions],
    }
    root = int(literals[0]) >> 1
    facts["node"] = node(of, root) if len(positions) == 1 and root >= of.first else None
    return facts


def _bit(of: Inspection, position: int) -> dict[str, Any]:
    literal = int(of.bsd.roots[position])
    return {
        "name": of.names.output_names[position],
        "is": of.names.literal(literal),
        "cone": int(of.cone(of.bsd.roots[position : position + 1]).shape[0]),
        "n_support": int(of.supports[literal >> 1].sum()),
        "equation": equation(of, literal) if literal >> 1 >= of.first else None,
    }
