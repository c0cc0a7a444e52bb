"""Best supported wins: of all definitions that agree with a context's rows, that with most support elsewhere.

A table of a context may have cells that no row of it met. Another context's definition of the same output,
or one with inputs substituted (`bsdgen.learn.evidence.virtual`), that no row here contradicts and that more
rows support says what is there (Occam). What stays unseen is listed (`Unsupported`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.evidence.cells import completed
from bsdgen.learn.evidence.context import RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.explain import Explainer
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.learn.evidence.templates import Templates
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import Substitutions, resolve_all
from bsdgen.learn.kernels import evidence as kernel

_TRIED = 60  # definitions of an output that are held to a context's rows, best supported first
_DEPTH, _NODES = 24, 8192  # of a tree where nothing is explained
_PURE = 64  # inputs that are tried where rows must be told apart
_WIDE = 3  # features from which a table may have cells that nobody saw


@dataclass(frozen=True)
class Unsupported:
    """A claim that goes beyond the rows.

    Attributes
    ----------
    path : guards and their values on the way to the context: (input, value), or (-1, value) for a function.
    output : output bit.
    features : inputs that the claim depends on.
    n_rows : rows of the context that care for the output.
    cells, unseen : cells of the table, and how many of them no row met.
    reason : ``cells``: not all cells were met; ``alike``: no row here met all of them, but in other contexts
        or at other bits rows did; ``few``: too few rows to tell; ``open``: not explained,
        a decision tree over inputs stands there.
    """

    path: tuple[tuple[int, int], ...]
    output: int
    features: tuple[int, ...]
    n_rows: int
    cells: int
    unseen: int
    reason: str


def supported(
    store: RowStore,
    definitions: Definitions,
    nodes: Sequence[Node],
    substitutions: Substitutions,
    templates: Templates,
) -> tuple[list[dict[int, int]], list[dict[int, int]], list[Unsupported]]:
    """Definitions of every leaf's outputs, by node; of their care, where it varies and is explained; and what
    of the outputs goes beyond the rows."""
    known: list[dict[int, int]] = [{} for _ in nodes]
    support: dict[int, dict[int, int]] = {}
    contexts = [at for at, node in enumerate(nodes) if node.is_leaf]
    fixed = []
    for at in contexts:
        context = RowContext(store, definitions, nodes[at].rows, nodes[at].explanations)
        explainer = Explainer(context, templates, learn=False)
        for output, explanation in list(context.explanations.items()):
            if context.cared[output] and len(explanation.features) >= _WIDE:
                explainer.better_seen(output)
        nodes[at].explanations = context.explanations
        fixed.append(context.fixed)
    whole = completed([nodes[at].explanations for at in contexts], fixed)
    for at, explanations in zip(contexts, whole, strict=True):
        nodes[at].explanations = explanations
        known[at] = resolve_all(explanations, definitions)
        for output, definition in known[at].items():
            if nodes[at].cared.size and nodes[at].cared[output]:
                table = support.setdefault(output, {})
                table[definition] = table.get(definition, 0) + nodes[at].rows.shape[0]
    ranked = _ranked(support, definitions, nodes, substitutions)
    beyond: list[Unsupported] = []
    cares: list[dict[int, int]] = [{} for _ in nodes]
    for at in contexts:
        context = RowContext(store, definitions, nodes[at].rows, nodes[at].explanations)
        nodes[at].cared = context.cared > 0
        for output in np.flatnonzero(context.cared).tolist():
            beyond += _choose(context, nodes[at], known[at], output, support, ranked)
        cares[at] = _cares(context, known[at], templates)
    return known, cares, beyond


def _cares(context: RowContext, known: dict[int, int], templates: Templates) -> dict[int, int]:
    """Definitions of when outputs are cared for, where only some rows do and a small table says which.

    A cell that no row met is cared for: nothing is given away that was not seen.
    """
    found: dict[int, int] = {}
    planes: dict[bytes, int | None] = {}
    for output in np.flatnonzero((context.cared > 0) & (context.cared < context.n)).tolist():
        key = context.c[output].tobytes()
        if key not in planes:
            target = context.add_target(context.c[output], context.valid)
            Explainer(context, templates, learn=False).quick([target])
            explanation = context.explanations.get(target)
            context.drop_target()
            planes[key] = None
            if explanation is not None:
                features = [known[-1 - f] if f < 0 else f for f in explanation.features]
                planes[key] = context.definitions.make(features, np.abs(explanation.table()))
        definition = planes[key]
        if definition is not None:
            found[output] = definition
    return found


def _ranked(
    support: dict[int, dict[int, int]],
    definitions: Definitions,
    nodes: Sequence[Node],
    substitutions: Substitutions,
) -> dict[int, list[tuple[int, int]]]:
    """By output, (support, definition) of what explains it in some context, best first, and of images."""
    images = [dict(s.images) for s in substitutions.of(nodes)]
    ranked = {}
    for output, table in support.items():
        wide = {d: n for d, n in table.items() if definitions.n_features(d) >= _WIDE}
        more = dict(wide)
        for image in images:
            for other, n in zip(substitutions.apply(image, wide), wide.values(), strict=True):
                more[other] = max(more.get(other, 0), n)
        best = sorted(more, key=lambda d: (-more[d], d))[: 2 * _TRIED]
        ranked[output] = [(more[d], d) for d in best if definitions.n_features(d) >= _WIDE]
    return ranked


def _choose(
    context: RowContext,
    node: Node,
    known: dict[int, int],
    output: int,
    support: dict[int, dict[int, int]],
    ranked: dict[int, list[tuple[int, int]]],
) -> list[Unsupported]:
    """Take the best supported definition of one output, and say whether it goes beyond the rows."""
    path = tuple((g if g < context.store.n_inputs else -1, v) for g, v in node.path)
    n = int(context.cared[output])
    explanation = context.explanations.get(output)
    if output not in known or explanation is None:
        known[output] = _likeliest(context, output)
        return [Unsupported(path, output, (), n, 0, 0, "open")]
    own = known[output]
    mine = support[output].get(own, 0)
    cells, unseen = len(explanation.counts), int((explanation.table() < 0).sum())
    alike = len(explanation.inferred)
    if len(explanation.features) >= _WIDE:
        for rows, definition in ranked.get(output, [])[:_TRIED]:
            if rows <= mine or definition == own:
                break
            if not kernel.differs(context.column(definition), context.y[output], context.c[output]):
                known[output], alike, unseen = definition, alike + unseen, 0
                break
    inputs = context.definitions.support(known[output])
    features = tuple(v for v in range(context.store.n_inputs) if inputs >> v & 1)
    if unseen:
        return [Unsupported(path, output, features, n, cells, unseen, "cells")]
    if alike:
        return [Unsupported(path, output, features, n, cells, alike, "alike")]
    if n < _few(explanation.features):
        return [Unsupported(path, output, features, n, cells, 0, "few")]
    return []


def _few(features: Sequence[int]) -> int:
    """Rows below which an explanation may be chance: a constant that held a few times, a feature by luck."""
    return 64 if not features else 32 << len(features)


def _likeliest(context: RowContext, output: int) -> int:
    """A decision tree over inputs that agrees with the rows: split on what leaves least impurity (ID3)."""
    live = context.x[context.live]
    definitions = context.definitions
    pending: list[tuple[U64, int]] = [(context.c[output], 0)]  # rows of a node, its depth; children behind it
    shape: list[tuple[int, int]] = []  # by node: (feature, first child), or (-1, value)
    y = context.y[output]
    while len(shape) < len(pending):
        rows, depth = pending[len(shape)]
        values = kernel.values_seen(y, rows)
        ones, n = int(np.bitwise_count(rows & y).sum()), int(np.bitwise_count(rows).sum())
        if values != 3 or depth == _DEPTH or len(pending) > _NODES:
            shape.append((-1, int(2 * ones > n)))
            continue
        left = np.zeros(len(context.live) + 1, np.float64)
        kernel.impurities(live, y, rows[None], left)
        splits = [(left[at], at) for at in np.argsort(left[:-1], kind="stable")[:_PURE].tolist()]
        best = next((at for _, at in splits if (live[at] & rows).any() and (~live[at] & rows).any()), -1)
        if best < 0:
            shape.append((-1, int(2 * ones > n)))
            continue
        shape.append((context.live[best], len(pending)))
        pending += [(rows & ~live[best], depth + 1), (rows & live[best], depth + 1)]
    made = [0] * len(shape)
    for at in range(len(shape) - 1, -1, -1):
        feature, child = shape[at]
        if feature < 0:
            made[at] = definitions.constant(child)
        else:
            made[at] = definitions.make((feature, made[child], made[child + 1]), [0, 0, 1, 0, 0, 1, 1, 1])
    return made[0]
