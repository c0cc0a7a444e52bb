"""Shorter explanations, splits that earn their credit, and care that is explained."""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import evidence_of
from bsdgen.learn.evidence.completions import essential
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.explain import Explainer
from bsdgen.learn.evidence.rows import RowStore
from bsdgen.learn.evidence.split import explained_in_halves
from bsdgen.learn.evidence.templates import Templates
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import modes

Bits = NDArray[np.bool_]
N = 6000


def context_of(x: Bits, y: Bits, care: Bits | None = None) -> RowContext:
    """A context of all rows given as bool arrays."""
    c = np.ones_like(y) if care is None else care
    store = RowStore.of(from_bool(x), from_bool(y), from_bool(c), x.shape[1], y.shape[1], 0)
    return RowContext(store, Definitions(x.shape[1]), np.arange(x.shape[0], dtype=np.int32), {})


def adder_rows() -> tuple[Bits, Bits]:
    """Two words of six bits, and their sum."""
    x = np.random.default_rng(1).random((N, 12)) < 0.5
    weights = 1 << np.arange(6)
    total = x[:, :6] @ weights + x[:, 6:] @ weights
    return x, (total[:, None] >> np.arange(6) & 1).astype(np.bool_)


def test_a_table_unlike_its_peers_becomes_the_step_of_the_chain() -> None:
    context = context_of(*adder_rows())
    explainer = Explainer(context, Templates())
    explainer.full(context.open_outputs())
    assert not context.open_outputs()
    long = [0, 6, 1, 7, 2, 8, 3, 9]  # the third sum bit and both words below it
    counts, wrong = context.tabulate(3, long)
    assert not wrong
    context.replace(3, Explanation.of(long, counts))
    explainer.tidy()
    found = context.explanations[3]
    assert len(found.features) <= 5
    assert not context.tabulate(3, found.features)[1]


def test_features_that_no_cell_needs_are_not_essential() -> None:
    table = [0, 1, 1, 0, 0, 1, 1, 0]
    explanation = Explanation.of((4, 5, 6), np.array([[1 - v, v] for v in table], np.int64) * 9)
    assert essential(explanation) == [4, 5]


def test_a_split_is_credited_for_what_holds_in_its_halves_alone() -> None:
    x = np.random.default_rng(2).random((N, 18)) < 0.5
    chosen, other = x[:, 0:1], x[:, 17]
    y = np.where(chosen, x[:, 1:5] ^ x[:, 5:9], x[:, 9:13] ^ x[:, 13:17])
    context = context_of(x, np.concatenate([y, other[:, None]], axis=1))
    scores = explained_in_halves(context, [0, 1, 2, 3], [17, 0], Templates())
    assert scores[1] > 3.9
    assert scores[0] < 0.5


def test_inputs_that_most_tables_depend_on_are_modes() -> None:
    table = Explanation.of((0, 3, 4), np.ones((8, 2), np.int64))
    node = Node(np.zeros(0, np.int32), dict.fromkeys(range(9), table))
    few = Node(np.zeros(0, np.int32), {0: Explanation.of((1, 3, 4), np.ones((8, 2), np.int64))})
    split = Node(np.zeros(0, np.int32), {}, guard=2, low=0, high=1)
    assert modes([split, node, few], 5) == {0, 2, 3, 4}


def test_care_is_explained_where_it_varies() -> None:
    x = np.unique(np.random.default_rng(3).random((N, 14)) < 0.5, axis=0)
    y = np.stack([x[:, 0] & x[:, 1], x[:, 2] ^ x[:, 3]], axis=1)
    wanted = x[:, 4] | x[:, 2]
    care = np.stack([wanted, np.ones_like(wanted)], axis=1)
    evidence = evidence_of(from_bool(x), from_bool(y), from_bool(care), 14, 2, LearnConfig(seed=0))
    assert evidence.n_contexts == 1
    fresh = np.random.default_rng(4).random((1000, 14)) < 0.5
    _, said = evidence.hypothesis.query(from_bool(fresh))
    assert np.array_equal(said[:, 0] & np.uint64(1), (fresh[:, 4] | fresh[:, 2]).astype(np.uint64))
    assert (said[:, 0] >> np.uint64(1) & np.uint64(1)).all()
