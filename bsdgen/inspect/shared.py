"""Functions that serve many: the parts that outputs have in common, and functions that are guards."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.inspect.equation import MAX_SUPPORT, minimise
from bsdgen.inspect.inspection import Inspection

_LEAST_CONE = 3  # nodes of a part that is worth showing
_TRIED = 400  # candidates whose cones are counted
_ALIKE = 0.5  # share of the smaller cone beyond which two parts are one, shown once


def shared(of: Inspection, n: int = 12) -> list[dict[str, Any]]:
    """JSON-ready: the parts that save most.

    A part is a node that serves more outputs than any node above it: where paths of different outputs meet.
    What it saves is taken as its cone's size times the number of outputs that it serves beyond the first. Of
    parts that mostly consist of the same nodes (the carries of one adder, say) the one is shown that saves
    most; ``alike`` counts the others among those that were looked at.

    Parameters
    ----------
    of : the model.
    n : how many at most.
    """
    serves = np.bitwise_count(of.outputs_above).sum(axis=1).astype(np.int64)
    meets = serves > np.maximum(1, _most_above(of, serves))
    meets[: of.first] = False
    candidates = np.flatnonzero(meets)
    guess = (serves[candidates] - 1) * _levels(of)[candidates]
    cones = {}
    for index in candidates[np.argsort(-guess, kind="stable")][:_TRIED].tolist():
        cone = of.cone(np.array([2 * index], np.int32))
        if cone.shape[0] >= _LEAST_CONE:
            cones[index] = cone
    saved = {index: int((serves[index] - 1) * cone.shape[0]) for index, cone in cones.items()}
    alike: dict[int, int] = {}
    for index in sorted(cones, key=lambda index: (-saved[index], index)):
        same = next((part for part in alike if _overlap(cones[index], cones[part]) > _ALIKE), None)
        if same is not None:
            alike[same] += 1
        elif len(alike) < n:
            alike[index] = 0
    return [_part(of, index, cones[index].shape[0], saved[index], more) for index, more in alike.items()]


def _overlap(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Common nodes as a share of the smaller cone."""
    common = int(np.intersect1d(one, other, assume_unique=True).shape[0])
    return common / min(len(one), len(other))


def _most_above(of: Inspection, serves: NDArray[np.int64]) -> NDArray[np.int64]:
    """Outputs served by the node above each index that serves most."""
    most = np.zeros(of.first + of.bsd.n_nodes, np.int64)
    for column in (of.bsd.guard, of.bsd.low, of.bsd.high):
        np.maximum.at(most, column >> 1, serves[of.first :])
    return most


def _levels(of: Inspection) -> NDArray[np.int64]:
    """Nodes on the longest path below each index: a quick guess at the size of its cone."""
    level = np.zeros(of.first + of.bsd.n_nodes, np.int64)
    for index, guard, low, high in of.bsd.nodes():
        level[index] = 1 + max(level[guard >> 1], level[low >> 1], level[high >> 1])
    return level


def _part(of: Inspection, index: int, size: int, saved: int, alike: int) -> dict[str, Any]:
    return {
        "node": index,
        "nodes": size,
        "saved": saved,
        "alike": alike,
        "outputs": of.names.outputs(of.outputs_of(index)),
        "n_outputs": len(of.outputs_of(index)),
        "contexts": n_contexts(of, index),
        "support": of.names.inputs(np.flatnonzero(of.supports[index]).tolist()),
        "equation": equation(of, 2 * index),
    }


def guard_functions(of: Inspection) -> list[dict[str, Any]]:
    """JSON-ready: nodes that other nodes test, most tested first."""
    uses = of.guard_uses.copy()
    uses[: of.first] = 0
    order = np.argsort(-uses, kind="stable")
    return [{"node": int(index), "tested_by": int(uses[index])} for index in order[: int((uses > 0).sum())]]


def described_guards(of: Inspection, n: int = 20) -> list[dict[str, Any]]:
    """The first of `guard_functions`, with size, support and equation."""
    found = []
    for guard in guard_functions(of)[:n]:
        index = guard["node"]
        found.append(
            {
                **guard,
                "nodes": int(of.cone(np.array([2 * index], np.int32)).shape[0]),
                "support": of.names.inputs(np.flatnonzero(of.supports[index]).tolist()),
                "splits": _splits(of, index),
                "equation": equation(of, 2 * index),
            }
        )
    return found


def _splits(of: Inspection, index: int) -> list[int]:
    """Contexts that are split on a node."""
    return [] if of.tree is None else np.flatnonzero(of.tree.guard >> 1 == index).tolist()


def equation(of: Inspection, literal: int) -> str | None:
    """A literal's sum of products; None if it is constant, too wide or too long."""
    support = of.supports[literal >> 1]
    if not 1 <= int(support.sum()) <= MAX_SUPPORT:
        return None
    found = minimise(of.model, of.names.literal(literal), literal, support)
    return None if found is None else found.text


def n_contexts(of: Inspection, index: int) -> int | None:
    """Leaves of the control tree whose functions depend on an index; None without a tree."""
    return None if of.tree is None else int(of.context_members[index, of.tree.leaf].sum())
