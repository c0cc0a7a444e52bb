"""Shorter explanations, splits that earn their credit, and care that is explained."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bsdgen.bits import from_bool
from bsdgen.learn import LearnConfig
from bsdgen.learn.evidence import evidence_of, split
from bsdgen.learn.evidence.context import Explanation, RowContext
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.exceptions import Exceptions
from bsdgen.learn.evidence.grow import Grower
from bsdgen.learn.evidence.rows import RowStore, bits_of
from bsdgen.learn.evidence.split import Look
from bsdgen.learn.evidence.tables.explainer import Explainer
from bsdgen.learn.evidence.tables.templates import Templates
from bsdgen.learn.evidence.tables.worth import essential
from bsdgen.learn.evidence.tree import Node
from bsdgen.learn.evidence.virtual import Substitutions, Virtual, modes

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


def test_a_step_that_skips_one_is_straightened() -> None:
    """A word plus one; bit 5 is said by bit 3, as it is when bit 4 was not explained yet."""
    x = np.random.default_rng(4).random((N, 8)) < 0.6
    carry = np.cumprod(x, axis=1).astype(np.bool_)
    y = x.copy()
    y[:, 0] = ~x[:, 0]
    y[:, 1:] ^= carry[:, :-1]
    context = context_of(x, y)
    steps = {0: (0,), 1: (0, 1), **{k: (-k, k - 1, k) for k in range(2, 8)}}
    steps[5] = (-1 - 3, 3, 4, 5)
    for output, features in steps.items():
        counts, wrong = context.tabulate(output, features)
        assert not wrong
        context.explain(output, Explanation.of(features, counts))
    Explainer(context, Templates()).straighten()
    assert set(context.explanations[5].features) == {-1 - 4, 4, 5}
    assert all(set(context.explanations[k].features) == set(steps[k]) for k in steps if k != 5)


def test_features_that_no_cell_needs_are_not_essential() -> None:
    table = [0, 1, 1, 0, 0, 1, 1, 0]
    explanation = Explanation.of((4, 5, 6), np.array([[1 - v, v] for v in table], np.int64) * 9)
    assert essential(explanation) == [4, 5]


def test_a_split_is_credited_for_what_holds_in_its_halves_alone() -> None:
    x = np.random.default_rng(2).random((N, 18)) < 0.5
    chosen, other = x[:, 0:1], x[:, 17]
    y = np.where(chosen, x[:, 1:5] ^ x[:, 5:9], x[:, 9:13] ^ x[:, 13:17])
    context = context_of(x, np.concatenate([y, other[:, None]], axis=1))
    scores = Look(context, [0, 1, 2, 3], Templates()).halves([17, 0])
    assert scores[1] > 3.9
    assert scores[0] < 0.5


def test_what_holds_without_the_split_is_not_its_merit(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(5).random((N, 4)) < 0.5
    y = np.stack([x[:, 0] ^ x[:, 1], x[:, 0] ^ x[:, 1] ^ (x[:, 2] & x[:, 3])], axis=1)
    context = context_of(x, y)

    class Lucky(Explainer):
        """Finds a table of the first two inputs, on few rows alone."""

        def quick(self, outputs: Sequence[int]) -> None:
            for output in outputs if self.context.n < 5000 else ():
                self.context.explain(output, Explanation.of((0, 1), self.context.tabulate(output, (0, 1))[0]))

    monkeypatch.setattr(split, "Explainer", Lucky)
    assert Look(context, [0], Templates()).halves([2])[0] == 0
    assert Look(context, [1], Templates()).halves([2])[0] > 0.9


def test_explanations_lose_features_that_a_split_fixes() -> None:
    x = np.random.default_rng(6).random((N, 4)) < 0.5
    y = np.where(x[:, 0], x[:, 1] & x[:, 3], x[:, 2])[:, None]
    whole = context_of(x, y)
    counts, wrong = whole.tabulate(0, (0, 1, 2, 3))
    assert not wrong
    grower = Grower(whole.store, lambda text: None)
    rows = whole.rows[bits_of(whole.x[0], whole.n)]
    node = Node(rows, {0: Explanation.of((0, 1, 2, 3), counts)}, ((0, 1),))
    grower.nodes = [node]
    context = RowContext(grower.store, grower.definitions, rows, node.explanations)
    assert grower._begin(node, context)
    assert context.explanations[0].features == (1, 2, 3)


@pytest.mark.parametrize(("step", "replaced"), [(1, 0), (20, 12)])
def test_a_substitution_replaces_an_operand_and_does_not_move_a_word(step: int, replaced: int) -> None:
    table = np.array([[5, 0], [5, 0], [5, 0], [0, 5]], np.int64)
    nodes = [
        Node(
            np.arange(9, dtype=np.int32),
            {o: Explanation.of((o + shift, 40), table) for o in range(12)},
            cared=np.ones(12, np.bool_),
        )
        for shift in (0, step)
    ]
    found = Substitutions(Definitions(41)).of(nodes)
    assert [len(one.images) for one in found] == [replaced] * (2 if replaced else 0)


def test_a_function_of_another_context_is_a_literal_of_a_monomial() -> None:
    x = np.random.default_rng(7).random((N, 6)) < 0.5
    odd = x[:, 3] ^ x[:, 4] ^ x[:, 5]
    context = context_of(x, (x[:, 0] & x[:, 1] & odd)[:, None])
    made = context.definitions.make((3, 4, 5), [0, 1, 1, 0, 1, 0, 0, 1])
    virtual = Virtual(context, [], Substitutions(context.definitions))
    virtual.features, virtual.planes = [made], context.columns([made])
    Exceptions(context, [], virtual, Templates()).monomials()
    found = context.explanations[0].features
    assert context.definitions.reached(found)[0] == made


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
