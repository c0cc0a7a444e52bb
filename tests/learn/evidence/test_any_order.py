"""What is found must not hang on the order of outputs, on chance, or on which context was met first."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.learn.evidence.claims.support import supported
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.learn.evidence.split import Look, guards
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import Substitutions

Bits = NDArray[np.bool_]
N = 6000


def store_of(x: Bits, y: Bits, care: Bits | None = None) -> RowStore:
    """Rows given as bool arrays."""
    c = np.ones_like(y) if care is None else care
    return RowStore.of(from_bool(x), from_bool(y & c), from_bool(c), x.shape[1], y.shape[1], 0)


def context_of(store: RowStore) -> RowContext:
    """All rows as one context."""
    return RowContext(store, Definitions(store.n_inputs), np.arange(store.n_rows, dtype=np.int32), {})


def sum_bits(a: Bits, b: Bits) -> Bits:
    """The sum of two words, modulo their width."""
    weights = 1 << np.arange(a.shape[1])
    return ((a @ weights + b @ weights)[:, None] >> np.arange(a.shape[1]) & 1).astype(np.bool_)


@pytest.mark.parametrize("seed", range(3))
def test_a_chain_is_followed_in_any_order_of_outputs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random((N, 20)) < 0.5
    order = rng.permutation(10)
    y = sum_bits(x[:, :10], x[:, 10:])[:, order] ^ (rng.random(10) < 0.5)
    for learn in (True, False):
        context = context_of(store_of(x, y))
        Explainer(context, Templates(), learn=learn).quick(context.open_outputs())
        assert not context.open_outputs(), (learn, context.open_outputs())


def test_a_guard_is_a_function_and_not_where_it_is_cared_for() -> None:
    """An output is 0 in the store where nobody cares: split on that, a half would show who cares."""
    x = np.random.default_rng(3).random((N, 6)) < 0.5
    care = np.ones((N, 2), np.bool_)
    care[:, 0] = x[:, 5]
    y = np.stack([x[:, 0] ^ x[:, 1], np.where(x[:, 5], x[:, 2], x[:, 3] & x[:, 4])], axis=1)
    context = context_of(store_of(x, y, care))
    Explainer(context, Templates()).quick([0])
    (guard,) = guards(context)
    assert guard >= context.store.n_inputs
    column = context.column(guard)
    assert not ((column ^ context.x[0] ^ context.x[1]) & context.valid).any()
    assert Look(context, [1], Templates()).halves([guard])[0] == 0


def test_a_rare_exception_in_the_other_half_is_no_credit() -> None:
    """One row contradicts a literal: either half without that row explains the output, by chance."""
    x = np.random.default_rng(4).random((N, 8)) < 0.5
    y = x[:, :1].copy()
    store = store_of(x, y)
    rare = int(np.random.default_rng([0, 1]).permutation(N)[7])  # among the rows that are looked at
    y[rare] ^= True
    context = context_of(store_of(x, y))
    assert store.n_rows == context.store.n_rows
    assert Look(context, [0], Templates()).halves([3, 4, 5]).max() == 0


def test_an_input_that_contexts_were_split_on_stands_for_what_is_constant_there() -> None:
    """Where another word is the sign of an immediate, which was split on, only both halves say so."""
    rng = np.random.default_rng(5)
    width, n = 10, 3 * N
    x = rng.random((n, 2 * width + 3)) < 0.5  # a, b, two bits of an immediate, which operand
    a, b = x[:, :width], x[:, width : 2 * width]
    low, sign, mode = x[:, 2 * width], x[:, 2 * width + 1], x[:, 2 * width + 2]
    immediate = np.repeat(sign[:, None], width, axis=1)
    immediate[:, 0] = low
    store = store_of(x, np.where(mode[:, None], a ^ immediate, a ^ b))
    definitions = Definitions(store.n_inputs)
    rows = np.arange(n, dtype=np.int32)
    order = np.random.default_rng([0, 1]).permutation(n)
    mode, sign = mode[order], sign[order]
    nodes = []
    for chosen, path in (
        (~mode, ((22, 0),)),
        (mode & ~sign, ((22, 1), (21, 0))),
        (mode & sign, ((22, 1), (21, 1))),
    ):
        context = RowContext(store, definitions, rows[chosen], {})
        Explainer(context, Templates()).quick(context.open_outputs())
        assert not context.open_outputs()
        nodes.append(Node(rows[chosen], context.explanations, path, cared=context.cared > 0))
    (found, *_) = Substitutions(definitions).of(nodes)
    assert dict(found.images) == {width: 20} | {width + k: 21 for k in range(1, width)}


def test_what_no_row_of_a_context_met_is_taken_from_where_rows_met_it() -> None:
    """Two contexts have one function; rows of the smaller leave cells open, and other inputs fit them too."""
    rng = np.random.default_rng(6)
    x = rng.random((N, 6)) < 0.5
    small = x[:, 4]
    x[small, 5] = x[small, 0]
    kept = ~(small & x[:, 0] & x[:, 1])  # so that in the small context nobody sees what both do
    x = x[kept]
    y = (x[:, 0] & x[:, 1]) ^ (x[:, 2] | x[:, 3])
    store = store_of(x, y[:, None])
    definitions, templates = Definitions(6), Templates()
    order = np.random.default_rng([0, 1]).permutation(x.shape[0])
    rows = np.arange(x.shape[0], dtype=np.int32)
    nodes = [Node(np.zeros(0, np.int32), {}, (), guard=4, low=1, high=2)]
    for value, features in ((0, (0, 1, 2, 3)), (1, (1, 2, 3, 5))):
        chosen = rows[x[order, 4] == bool(value)]
        context = RowContext(store, definitions, chosen, {})
        counts, wrong = context.tabulate(0, features)
        assert not wrong
        context.explain(0, Explanation.of(features, counts))
        nodes.append(Node(chosen, context.explanations, ((4, value),), cared=context.cared > 0))
    support = supported(store, definitions, nodes, Substitutions(definitions), templates)
    known, beyond = support.known, support.unsupported
    assert known[1][0] == known[2][0] and definitions.support(known[2][0]) == 0b1111
    assert [claim.reason for claim in beyond] == ["alike"]
    assert beyond[0].path == ((4, 1),)


def test_what_is_built_on_cells_that_no_row_met_is_listed_too() -> None:
    """The second output's own table is full, but it is built on one that is not."""
    rng = np.random.default_rng(8)
    x = rng.random((N, 7)) < 0.5
    small = x[:, 4]
    kept = ~(small & x[:, 0] & x[:, 1])
    x = x[kept]
    first = (x[:, 0] & x[:, 1]) ^ (x[:, 2] | x[:, 3])
    store = store_of(x, np.stack([first, first ^ (x[:, 5] & x[:, 6])], axis=1))
    definitions = Definitions(7)
    order = np.random.default_rng([0, 1]).permutation(x.shape[0])
    rows = np.arange(x.shape[0], dtype=np.int32)
    nodes = [Node(np.zeros(0, np.int32), {}, (), guard=4, low=1, high=2)]
    for value in (0, 1):
        chosen = rows[x[order, 4] == bool(value)]
        context = RowContext(store, definitions, chosen, {})
        for output, features in ((0, (0, 1, 2, 3)), (1, (-1, 5, 6))):
            context.explain(output, Explanation.of(features, context.tabulate(output, features)[0]))
        nodes.append(Node(chosen, context.explanations, ((4, value),), cared=context.cared > 0))
    support = supported(store, definitions, nodes, Substitutions(definitions), Templates())
    known, beyond = support.known, support.unsupported
    assert known[1] == known[2]
    assert [(claim.path, claim.output, claim.reason) for claim in beyond] == [
        (((4, 1),), output, "alike") for output in (0, 1)
    ]
