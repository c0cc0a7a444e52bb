"""Contexts told apart anew: few decisions, controls first, and nothing changed that counts."""

import numpy as np

from bsdgen.learn.evidence.claims.situations import Situations
from bsdgen.learn.evidence.definitions import Definitions
from bsdgen.learn.evidence.selection import UNCARED, Choice, choices, unified


def at(tree: list[Choice], values: dict[int, int]) -> tuple[int, ...]:
    node = tree[0]
    while node.guard >= 0:
        node = tree[node.high if values[node.guard] else node.low]
    return node.definitions


def test_one_decision_is_enough_where_a_tree_took_three() -> None:
    d = Definitions(6)
    both, either = d.make((4, 5), [0, 0, 0, 1]), d.make((4, 5), [0, 1, 1, 1])
    paths = [{0: 0, 1: 0}, {0: 0, 1: 1}, {0: 1, 2: 0, 1: 0}, {0: 1, 2: 0, 1: 1}, {0: 1, 2: 1}]
    labels = np.array([[both], [either], [both], [either], [UNCARED]])
    tree = choices(paths, labels, {}, d)
    assert [node.guard for node in tree] == [1, -1, -1]
    for path, label in zip(paths[:4], labels, strict=False):
        assert at(tree, path)[0] == label[0]


def test_where_care_ends_a_definition_ends() -> None:
    """The second context means its output with input 3 at 1 only, so that input 3 alone decides."""
    d = Definitions(6)
    f, g = d.make((4, 5), [0, 0, 0, 1]), d.make((4, 5), [0, 1, 1, 0])
    paths, labels = [{0: 0, 3: 0}, {0: 0, 3: 1}, {0: 1}], np.array([[f], [g], [g]])
    without = choices(paths, labels, {}, d)
    assert sorted(node.guard for node in without) == [-1, -1, -1, 0, 3]
    tree = choices(paths, labels, {(2, 0): frozenset({(3, 0)})}, d)
    assert [node.guard for node in tree] == [3, -1, -1]


def test_of_guards_that_are_as_good_that_on_which_nothing_depends() -> None:
    d = Definitions(6)
    f, g = d.make((0, 5), [0, 0, 0, 1]), d.make((0, 5), [0, 1, 1, 0])
    tree = choices([{0: 0, 1: 0}, {0: 1, 1: 1}], np.array([[f], [g]]), {}, d)
    assert tree[0].guard == 1 and tree[0].sure


def test_every_context_keeps_its_definitions() -> None:
    """Random trees of contexts: wherever an output is cared for it is what it was."""
    rng = np.random.default_rng(3)
    d = Definitions(8)
    pool = [d.make((6, 7), table) for table in ([0, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 1], [1, 0, 1, 1])]
    for _ in range(20):
        paths: list[dict[int, int]] = [{}]
        for _ in range(6):
            path = paths.pop(int(rng.integers(len(paths))))
            guard = int(rng.choice([v for v in range(6) if v not in path]))
            paths += [path | {guard: 0}, path | {guard: 1}]
        labels = rng.choice([*pool, UNCARED], (len(paths), 5))
        tree = choices(paths, labels, {}, d)
        for path, own in zip(paths, labels, strict=True):
            for _ in range(4):
                row = {v: int(rng.integers(2)) for v in range(6)} | path
                said = np.array(at(tree, row))
                assert (said == own)[own != UNCARED].all()


def test_definitions_that_are_equal_where_they_stand_are_shared() -> None:
    d = Definitions(4)
    wide = d.make((0, 1, 2), [0, 1, 1, 0, 1, 1, 0, 1])
    narrow = d.make((0, 1), [0, 1, 1, 0])  # the same where input 2 is 0
    other = d.make((0, 1), [0, 1, 1, 1])
    leaves = [({2: 1}, wide), ({2: 0, 3: 0}, narrow), ({2: 0, 3: 1}, other)]
    said = unified(leaves, d, Situations(d), lambda place, definition: True, [None, None, None])
    assert said == [wide, wide, other]
    said = unified(leaves, d, Situations(d), lambda place, definition: False, [None, None, None])
    assert said == [wide, narrow, other]  # rows come first
