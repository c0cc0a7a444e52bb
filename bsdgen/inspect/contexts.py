"""The control tree: what each context decides, what is left open in it, and what contexts share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bsd.distance import I64, Distances, distances
from bsdgen.bsd.literals import I32
from bsdgen.inspect.inspection import Inspection
from bsdgen.learn.control import DONT_CARE, GONE, ControlTree


def contexts(of: Inspection) -> list[dict[str, Any]]:
    """JSON-ready: every context of the control tree, parents before children.

    Each says what leads to it (``when``), what it is split on, how its outputs were settled, how many nodes
    serve it, how many of those no other leaf uses, and the leaf that it shares most with. ``outline`` is its
    place in a tree without the halves that need no node (None: it is left out, too): the context that it
    hangs under, the whole path from there, and how many halves were left out on it.

    Raises
    ------
    InputError
        The model has no control tree.
    """
    tree = of.needed_tree()
    parents = tree.parents()
    nodes, own = _sizes(of)
    leaves = np.flatnonzero(tree.leaf)
    nearest = _nearest(of, leaves)
    kept = _kept(tree, nodes)
    found = []
    for at in range(tree.n_contexts):
        parent = int(parents[at])
        guard = int(tree.guard[at])
        leaf = bool(tree.leaf[at])
        added = tree.mask[at] & ~tree.mask[parent] if parent >= 0 else tree.mask[at]
        found.append(
            {
                "context": at,
                "parent": parent if parent >= 0 else None,
                "when": _when(of, parent, at),
                "fixes": of.names.cube(added, tree.value[at] & added),
                "cube": of.names.cube(tree.mask[at], tree.value[at]),
                "split_on": None if leaf else of.names.literal(guard),
                "function_guard": not leaf and guard >> 1 >= of.first,
                **_entries(of, at),
                "nodes": int(nodes[at]),
                "own": int(own[at]),
                "nearest": nearest.get(at),
                "outline": _outline(of, kept, parents, at) if kept[at] else None,
            }
        )
    return found


def _kept(tree: ControlTree, nodes: I64) -> NDArray[np.bool_]:
    """Contexts worth showing: the root, leaves with nodes, and splits of which not just one half has any."""
    kept = nodes > 0
    inner = np.flatnonzero(~tree.leaf)
    kept[inner] = (nodes[tree.low[inner]] > 0) == (nodes[tree.high[inner]] > 0)
    kept[0] = True
    return np.asarray(kept)


def _outline(of: Inspection, kept: NDArray[np.bool_], parents: I32, at: int) -> dict[str, Any]:
    """Where a context hangs in the outline, and what leads there."""
    tree = of.needed_tree()
    mask = np.zeros_like(tree.mask[0])
    functions: list[str] = []
    here, above, left_out = at, int(parents[at]), 0
    while above >= 0:
        if int(tree.guard[above]) >> 1 < of.first:
            mask |= tree.mask[here] & ~tree.mask[above]
        else:
            functions.insert(0, _when(of, above, here))
        if kept[above]:
            break
        here, above, left_out = above, int(parents[above]), left_out + 1
    path = [of.names.cube(mask, tree.value[at] & mask)] if mask.any() else []
    return {"under": above if above >= 0 else None, "path": " ".join(path + functions), "left_out": left_out}


def _when(of: Inspection, parent: int, at: int) -> str:
    """The literal that leads from a context to its half."""
    if parent < 0:
        return "always"
    tree = of.needed_tree()
    guard, high = int(tree.guard[parent]), int(tree.high[parent]) == at
    if guard & 1:
        guard, high = guard ^ 1, not high
    return f"{of.names.literal(guard)}={int(high)}"


def _entries(of: Inspection, at: int) -> dict[str, Any]:
    """How the outputs of a context were settled, and which were left to its halves."""
    tree = of.needed_tree()
    here = tree.entry_context == at
    output, literal, settled = tree.entry_output[here], tree.literal[here], tree.settled[here]
    index = literal >> 1
    kinds = {
        "constant": settled & (index == 0) & (literal >= 0),
        "uncared": settled & (literal == DONT_CARE),
        "variable": settled & (index > 0) & (index < of.first),
        "function": settled & (index >= of.first),
        "divided": settled & (literal == GONE),  # split once more for a unit, or only joined with others
        "split": ~settled,
    }
    return {
        "outputs": int(here.sum()),
        "settled": {name: int(which.sum()) for name, which in kinds.items() if name != "split"},
        "functions": of.names.outputs(output[kinds["function"]].tolist()),
        "open": of.names.outputs(output[kinds["split"]].tolist()),
    }


def _sizes(of: Inspection) -> tuple[I64, I64]:
    """Nodes that serve each context, and those among them that serve no leaf but this one."""
    tree = of.needed_tree()
    member = of.context_members[of.first :]
    nodes = member.sum(axis=0)
    in_leaves = member[:, tree.leaf].sum(axis=1)
    own = (member & (in_leaves == 1)[:, None]).sum(axis=0)
    return nodes.astype(np.int64), np.where(tree.leaf, own, 0).astype(np.int64)


def leaf_distances(of: Inspection, leaves: NDArray[np.int_]) -> Distances:
    """Boolean distances between leaves, each counted as one function of all its outputs."""
    tree = of.needed_tree()
    number = np.full(tree.n_contexts, -1, np.int64)
    number[leaves] = np.arange(leaves.shape[0])
    here = (tree.literal >= 0) & (number[tree.entry_context] >= 0)
    group = number[tree.entry_context[here]]
    # every leaf counts, also the last one when it has no node at all
    literals = np.concatenate([tree.literal[here], np.zeros(leaves.shape[0], np.int32)])
    return distances(of.bsd, literals, np.concatenate([group, np.arange(leaves.shape[0])]))


def _nearest(of: Inspection, leaves: NDArray[np.int_]) -> dict[int, dict[str, int]]:
    """For each leaf with nodes, the leaf that it shares most nodes with."""
    shared = leaf_distances(of, leaves).shared.copy()
    np.fill_diagonal(shared, 0)
    nearest = {}
    for i, leaf in enumerate(leaves.tolist()):
        if shared[i].max(initial=0) > 0:
            j = int(np.argmax(shared[i]))
            nearest[leaf] = {"context": int(leaves[j]), "shared": int(shared[i, j])}
    return nearest
