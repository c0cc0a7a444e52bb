"""What a finished diagram takes for true: the ledger of its functions, contexts and guards."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32
from bsdgen.learn.assemble import Assembly
from bsdgen.learn.bound import Guard
from bsdgen.learn.check import Mistakes
from bsdgen.learn.control import DONT_CARE, GONE
from bsdgen.learn.functions import function_key
from bsdgen.learn.ledger import Kind, Ledger, Status, claims
from bsdgen.learn.tree import TreeNode

_EXAMPLES = 16  # cubes of one merged function that are listed, those with the least evidence
_MOST = 1 << 17  # records of one kind that are listed, those with the least evidence


def record(
    assembly: Assembly,
    tree: list[TreeNode],
    mistakes: Mistakes,
    bank_rows: int,
    given_up: Ledger,
    number: int,
) -> Ledger:
    """The ledger of a diagram.

    Parameters
    ----------
    assembly : the diagram.
    tree : its control tree as it was grown.
    mistakes : the last check: which fresh rows each claim has seen.
    bank_rows : rows of the sample bank.
    given_up : claims that were refuted so far.
    number : of the round that made the diagram; what was given up since then is a claim that it still makes.
    """
    parts = [_functions(assembly, mistakes), _edges(assembly, mistakes)]
    parts += [_entries(assembly, mistakes), _joins(assembly, mistakes), _guards(assembly, tree, mistakes)]
    ledger = parts[0]
    for part in parts[1:]:
        ledger = ledger.joined(part)
    free = assembly.bsd.n_inputs - np.bitwise_count(ledger.mask).sum(axis=1, dtype=np.int64)
    rows = np.where(free < 62, np.minimum(bank_rows, np.int64(1) << np.minimum(free, 62)), bank_rows)
    ledger = replace(ledger, rows=rows.astype(np.int64))
    now = given_up.taken(np.flatnonzero(given_up.round == number))
    dead = set(zip(now.kind.tolist(), now.keys(), strict=True))
    wrong = [claim in dead for claim in zip(ledger.kind.tolist(), ledger.keys(), strict=True)]
    return ledger.with_status(np.array(wrong, np.bool_), Status.REFUTED).joined(given_up)


def _functions(assembly: Assembly, mistakes: Mistakes) -> Ledger:
    """Every function depends on what its node depends on, and on nothing else."""
    of = assembly.functions
    fresh = mistakes.fresh_edges.reshape(-1, 2).sum(axis=1)
    here = np.flatnonzero(of.literal >= 0)
    return claims(
        Kind.INDEPENDENT, of.output[here], (of.mask[here], of.value[here]), of.literal[here], fresh[here]
    )


def _edges(assembly: Assembly, mistakes: Mistakes) -> Ledger:
    """Cofactors that were taken for constants, variables or functions found elsewhere."""
    of = assembly.functions
    output, mask, value = of.edges()
    edges = of.cofactors.ravel()
    target = assembly.of(edges)
    kind = _kinds(edges >> 1, assembly.bsd.n_inputs)
    at = np.full(assembly.literals.shape, -1, np.int64)
    at[of.index] = np.arange(of.index.shape[0])
    child = at[edges >> 1]
    itself = (kind == Kind.MERGE) & (of.output[child] == output)
    itself &= (of.mask[child] == mask).all(axis=1) & (of.value[child] == value).all(axis=1)
    here = np.flatnonzero((target >= 0) & (np.repeat(of.literal, 2) >= 0) & ~itself)
    cube = (mask[here], value[here])
    return _shortened(claims(kind[here], output[here], cube, target[here], mistakes.fresh_edges[here]))


def _kinds(index: I32, n_inputs: int) -> NDArray[np.uint8]:
    kinds = np.where(index == 0, Kind.CONSTANT, np.where(index <= n_inputs, Kind.VARIABLE, Kind.MERGE))
    return kinds.astype(np.uint8)


def _entries(assembly: Assembly, mistakes: Mistakes) -> Ledger:
    """Outputs that were settled in a context without a function of their own."""
    of, tree = assembly.functions, assembly.tree
    context, output = tree.entry_context, tree.entry_output
    mask, value = tree.mask[context], tree.value[context]
    own = {function_key(int(o), m, v) for o, m, v in zip(of.output, of.mask, of.value, strict=True)}
    new = np.array(
        [function_key(int(o), m, v) not in own for o, m, v in zip(output, mask, value, strict=True)], np.bool_
    )
    here = np.flatnonzero(new & tree.settled & (tree.literal != GONE))
    literal = tree.literal[here]
    kind = np.where(
        literal == DONT_CARE, Kind.UNCARED, _kinds(np.maximum(literal, 0) >> 1, assembly.bsd.n_inputs)
    )
    uncared = literal == DONT_CARE
    cared = mistakes.fresh_entries[context[here], output[here]]
    fresh = np.where(uncared, mistakes.fresh_contexts[context[here]] - cared, cared)
    target = np.where(uncared, GONE, literal).astype(np.int32)
    found = claims(kind.astype(np.uint8), output[here], (mask[here], value[here]), target, fresh)
    return _shortened(found.with_status(uncared & (cared > 0), Status.REFUTED))


def _joins(assembly: Assembly, mistakes: Mistakes) -> Ledger:
    """Nodes that join contexts: the output in the context that was split."""
    tree = assembly.tree
    named = np.zeros(1 + assembly.bsd.n_inputs + assembly.bsd.n_nodes, np.bool_)
    named[: 1 + assembly.bsd.n_inputs] = True
    named[assembly.functions.literal[assembly.functions.literal >= 0] >> 1] = True
    joined = np.flatnonzero(~tree.settled & (tree.literal >= 0))
    joined = joined[~named[tree.literal[joined] >> 1]]
    _, first = np.unique(tree.literal[joined] >> 1, return_index=True)
    here = joined[np.sort(first)]
    context, output = tree.entry_context[here], tree.entry_output[here]
    return claims(
        Kind.INDEPENDENT,
        output,
        (tree.mask[context], tree.value[context]),
        tree.literal[here],
        mistakes.fresh_entries[context, output],
    )


def _guards(assembly: Assembly, nodes: list[TreeNode], mistakes: Mistakes) -> Ledger:
    """Contexts that were split on the function of a set of variables, and those functions themselves."""
    tree = assembly.tree
    found = [(at, node.bound) for at, node in enumerate(nodes) if node.bound is not None]
    context = np.array([at for at, _ in found], np.int32)
    w = tree.mask.shape[1]
    guards = claims(
        Kind.GUARD,
        np.full(context.shape, -1, np.int32),
        (tree.mask[context], tree.value[context]),
        tree.guard[context],
        mistakes.fresh_entries[context].max(axis=1, initial=0),
    )
    open_outputs = np.zeros((len(found), -(-mistakes.fresh_entries.shape[1] // 64)), np.uint64)
    left = ~tree.settled
    for row, at in enumerate(context.tolist()):
        for output in tree.entry_output[left & (tree.entry_context == at)].tolist():
            open_outputs[row, output >> 6] |= np.uint64(1) << np.uint64(output & 63)
    guards = replace(
        guards,
        guards=np.arange(context.shape[0], dtype=np.int32),
        guard_set=_stacked([guard.mask for _, guard in found], (w,)),
        guard_assignments=_stacked([guard.assignments for _, guard in found], (2, w)),
        guard_outputs=open_outputs,
    )
    return guards.joined(_guard_functions(assembly, nodes, found))


def _guard_functions(assembly: Assembly, nodes: list[TreeNode], found: list[tuple[int, Guard]]) -> Ledger:
    """Functions of guards that were known already."""
    of = assembly.functions
    own = {function_key(int(o), m, v) for o, m, v in zip(of.output, of.mask, of.value, strict=True)}
    new = [
        (at, guard)
        for at, guard in found
        if function_key(guard.output, guard.phi_mask, guard.phi_value) not in own
    ]
    w = assembly.tree.mask.shape[1]
    index = np.array([nodes[at].guard >> 1 for at, _ in new], np.int32)
    target = [int(assembly.tree.guard[at]) for at, _ in new]
    return claims(
        _kinds(index, assembly.bsd.n_inputs),
        np.array([guard.output for _, guard in new], np.int32),
        (_stacked([g.phi_mask for _, g in new], (w,)), _stacked([g.phi_value for _, g in new], (w,))),
        np.array(
            [GONE if t < 0 else t ^ g.inverted for t, (_, g) in zip(target, new, strict=True)], np.int32
        ),
    )


def _stacked(rows: list[U64], shape: tuple[int, ...]) -> U64:
    return np.array(rows, np.uint64).reshape(len(rows), *shape)


def _shortened(ledger: Ledger) -> Ledger:
    """The records with least evidence: some of each merged function, and of each kind not too many.

    The last one that is kept of a group says how many were left out.
    """
    by_target = np.where(ledger.kind == Kind.MERGE, ledger.target >> 1, -1)
    group = ledger.kind.astype(np.int64) << 32 | (by_target + 1)
    order = np.lexsort((ledger.fresh, group))
    _, start, size = np.unique(group[order], return_index=True, return_counts=True)
    limit = np.where(by_target[order][start] < 0, _MOST, _EXAMPLES)
    rank = np.arange(len(ledger)) - np.repeat(start, size)
    kept = rank < np.repeat(limit, size)
    more = np.zeros(len(ledger), np.int32)
    more[start + np.minimum(size, limit) - 1] = np.maximum(size - limit, 0)
    here, counts = order[kept], more[kept]
    back = np.argsort(here, kind="stable")
    return replace(ledger.taken(here[back]), more=counts[back])
