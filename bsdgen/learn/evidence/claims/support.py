"""Best supported wins: of all definitions that agree with a context's rows, that with most support elsewhere.

A table of a context may have cells that no row of it met. Many of them no row can meet: what the table is
built on never takes those values together, and a solver says so (`bsdgen.learn.evidence.claims.situations`).
Of the others, another context's definition of the same output, or one with inputs substituted
(`bsdgen.learn.evidence.virtual`), that no row here contradicts and that more rows support says what is there
(Occam). What stays unseen is listed (`Unsupported`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.evidence.claims.care import cares_of
from bsdgen.learn.evidence.claims.cells import completed
from bsdgen.learn.evidence.claims.doubts import Assignment, Doubts, Unmet, chained, few
from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.learn.evidence.selection import MOST_CONTEXTS, unified
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tables.worth import WIDE, unseen
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import Substitutions, resolve_all
from bsdgen.learn.kernels import evidence as kernel

I64 = NDArray[np.int64]
_FIRST_WORDS = 16  # words of 64 rows that most candidates are seen to differ on
_DEPTH, _NODES = 24, 8192  # of a tree where nothing is explained
_PURE = 64  # inputs that are tried where rows must be told apart


@dataclass(frozen=True)
class Unsupported:
    """A claim that goes beyond the rows.

    Attributes
    ----------
    path : guards and their values on the way to the context: (input, value), or (-1, value) for a function.
    output : output bit.
    features : inputs that the claim depends on.
    n_rows : rows of the context that care for the output.
    cells, unseen : cells of the table, and how many of them no row met although some row could.
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


@dataclass(frozen=True, eq=False)
class Support:
    """What explanations say, and how far rows support it.

    Attributes
    ----------
    known : definitions of every leaf's outputs, by node.
    cares : definitions of when they are cared for, where that varies and is explained, by node.
    unsupported : what of the outputs goes beyond the rows.
    doubts : cells that no row met and that some could, each as values of features that lead there.
    scarce : the same of cells of tables that few rows support.
    """

    known: list[dict[int, int]]
    cares: list[dict[int, int]]
    unsupported: tuple[Unsupported, ...]
    doubts: tuple[Assignment, ...]
    scarce: tuple[Assignment, ...]


def supported(
    store: RowStore,
    definitions: Definitions,
    nodes: Sequence[Node],
    substitutions: Substitutions,
    templates: Templates,
    preference: bool = True,
) -> Support:
    """Decide between what the explanations of a tree's leaves leave open; `nodes` are completed.

    Parameters
    ----------
    preference : whether rows elsewhere say what no row here met; if not, the nearest cells do.
    """
    known: list[dict[int, int]] = [{} for _ in nodes]
    contexts: dict[int, RowContext] = {}
    fixed, situations = [], Situations(definitions)
    for at in [at for at, node in enumerate(nodes) if node.is_leaf]:
        contexts[at] = context = RowContext(store, definitions, nodes[at].rows, nodes[at].explanations)
        if preference:
            _see_better(context, nodes[at].path, templates, situations)
        nodes[at].explanations = context.explanations
        fixed.append(context.fixed)
    own = [nodes[at].explanations for at in contexts]
    whole = completed(own, fixed) if preference else own
    for at, explanations in zip(contexts, whole, strict=True):
        nodes[at].explanations = explanations
        contexts[at].explanations = dict(explanations)
        known[at] = resolve_all(explanations, definitions)
        nodes[at].cared = contexts[at].cared > 0
    cares: list[dict[int, int]] = [{} for _ in nodes]
    sets: list[tuple[int, ...]] = []
    for at in sorted(contexts, key=lambda at: (-contexts[at].n, at)):
        cares[at] = cares_of(contexts[at], known[at], templates, sets)
    seen = Doubts(contexts, nodes, known, cares, definitions)
    images = [dict(s.images) for s in substitutions.of(nodes)]
    claims = _Claims(contexts, known, seen.unmet, definitions, substitutions, images)
    beyond: list[Unsupported] = []
    for at, context in contexts.items():
        outputs, doubtful = np.flatnonzero(context.cared).tolist(), claims.doubts[at]
        unsure = [o for o in outputs if preference and doubtful.get(o) and o in known[at]]
        better = claims.better(context, unsure, at)
        for output in outputs:
            beyond += _choose(
                context, nodes[at], known[at], output, seen.unmet[at].get(output, Unmet()), better
            )
    if len(contexts) <= MOST_CONTEXTS:
        _unify(contexts, nodes, known, cares, definitions)
    return Support(known, cares, tuple(beyond), tuple(seen.doubts), tuple(seen.scarce))


def _unify(
    contexts: Mapping[int, RowContext],
    nodes: Sequence[Node],
    known: Sequence[dict[int, int]],
    cares: Sequence[Mapping[int, int]],
    definitions: Definitions,
) -> None:
    """Let contexts share definitions that are equal where they are; those with most rows come first."""
    situations = Situations(definitions)
    order = sorted(contexts, key=lambda at: (-contexts[at].n, at))
    for output in range(next(iter(contexts.values())).store.n_outputs if contexts else 0):
        places = [at for at in order if contexts[at].cared[output]]

        def alike(which: int, definition: int, output: int = output, places: list[int] = places) -> bool:
            context = contexts[places[which]]
            column = context.column(definition)
            return not kernel.differs(column, context.y[output], context.c[output])

        leaves = [(dict(nodes[at].path), known[at][output]) for at in places]
        shared = unified(leaves, definitions, situations, alike, [cares[at].get(output) for at in places])
        for at, definition in zip(places, shared, strict=True):
            known[at][output] = definition


def _see_better(context: RowContext, path: Assignment, templates: Templates, situations: Situations) -> None:
    """Explain outputs by what leaves fewest cells unmet, of what explains them elsewhere."""
    explainer = Explainer(context, templates, learn=False)
    known = resolve_all(context.explanations, context.definitions)

    def unmet(explanation: Explanation) -> int:
        features = [known.get(-1 - f, -1) if f < 0 else f for f in explanation.features]
        if min(features, default=0) < 0:
            return unseen(explanation)
        return sum(
            situations.exist((*path, *((f, cell >> j & 1) for j, f in enumerate(features))))
            for cell, seen in enumerate(explanation.counts)
            if not sum(seen)
        )

    for output, explanation in list(context.explanations.items()):
        if context.cared[output] and len(explanation.features) >= WIDE and unseen(explanation):
            explainer.better_seen(output, unmet)


class _Claims:
    """Definitions of all contexts and outputs, and their images, those with fewest unseen cells first.

    The bit of a sum is the same function whichever output shows it: what no row of one context met, rows of
    another may have. An image under a substitution is as doubtful as what it is the image of.
    """

    def __init__(
        self,
        contexts: Mapping[int, RowContext],
        known: Sequence[dict[int, int]],
        unmet: Mapping[int, Mapping[int, Unmet]],
        definitions: Definitions,
        substitutions: Substitutions,
        images: Sequence[Mapping[int, int]],
    ) -> None:
        self.definitions = definitions
        self.doubts = {at: chained(context.explanations, unmet[at]) for at, context in contexts.items()}
        doubt: dict[int, int] = {}
        rows: dict[int, int] = {}
        for at, context in contexts.items():
            for o, d in known[at].items():
                if o < context.store.n_outputs and context.cared[o] and definitions.n_features(d) >= WIDE:
                    doubt[d] = min(doubt.get(d, self.doubts[at][o]), self.doubts[at][o])
                    rows[d] = rows.get(d, 0) + int(context.cared[o])
        self.doubt = dict(doubt)
        for image in images:
            for d, moved in zip(doubt, substitutions.apply(image, doubt), strict=True):
                if doubt[d] < self.doubt.get(moved, doubt[d] + 1):
                    self.doubt[moved] = doubt[d]
                    rows[moved] = max(rows.get(moved, 0), rows[d])
        self.numbers = sorted(self.doubt, key=lambda d: (self.doubt[d], -rows[d], d))

    def better(self, context: RowContext, outputs: Sequence[int], at: int) -> dict[int, tuple[int, int]]:
        """For outputs of a context, the definition with fewest unseen cells that no row contradicts, and how
        many these are; only where it has fewer than the output's own."""
        found: dict[int, tuple[int, int]] = {}
        if not outputs:
            return found
        words = min(context.x.shape[1], _FIRST_WORDS)
        columns = {v: np.ascontiguousarray(context.x[v, :words]) for v in range(context.store.n_inputs)}
        planes = np.array([self.definitions.evaluate(d, columns) for d in self.numbers], np.uint64)
        planes = planes.reshape(len(self.numbers), words)
        for output in outputs:
            y, c = context.y[output], context.c[output]
            same = np.zeros(len(self.numbers), np.bool_)
            kernel.agreeing(planes, y[:words].copy(), c[:words].copy(), same)
            for d in (self.numbers[i] for i in np.flatnonzero(same).tolist()):
                if self.doubt[d] >= self.doubts[at][output]:
                    break
                if not kernel.differs(context.column(d), y, c):
                    found[output] = d, self.doubt[d]
                    break
        return found


def _choose(
    context: RowContext,
    node: Node,
    known: dict[int, int],
    output: int,
    unmet: Unmet,
    better: Mapping[int, tuple[int, int]],
) -> list[Unsupported]:
    """Take one output's definition whose cells were seen best, and say whether it goes beyond the rows."""
    path = tuple((g if g < context.store.n_inputs else -1, v) for g, v in node.path)
    n = int(context.cared[output])
    explanation = context.explanations.get(output)
    if output not in known or explanation is None:
        known[output] = _likeliest(context, output)
        return [Unsupported(path, output, (), n, 0, 0, "open")]
    cells, inferred = len(explanation.counts), {cell for cell, _ in explanation.inferred}
    alike = sum(cell in inferred for cell in unmet.own) + unmet.inside[1]
    missing = len(unmet.own) + sum(unmet.inside) - alike
    if output in better:  # rows elsewhere met what none here did, in this table or in those it is built on
        known[output], left = better[output]
        alike, missing = max(1, alike + missing), left
    inputs = context.definitions.support(known[output])
    features = tuple(v for v in range(context.store.n_inputs) if inputs >> v & 1)
    if missing:
        return [Unsupported(path, output, features, n, cells, missing, "cells")]
    if alike:
        return [Unsupported(path, output, features, n, cells, alike, "alike")]
    if n < few(explanation.features):
        return [Unsupported(path, output, features, n, cells, 0, "few")]
    return []


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
