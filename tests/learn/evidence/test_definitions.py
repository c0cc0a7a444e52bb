"""Definitions: normal forms mean what was put in; substitution is composition."""

import numpy as np
import pytest

from bsdgen.bits import U64
from bsdgen.learn.evidence.definitions import Definitions

N = 4
ALL = np.arange(1 << N)


def planes() -> dict[int, U64]:
    bits = [(ALL >> v & 1).astype(np.uint64) for v in range(N)]
    return {v: np.array([int((bit << ALL.astype(np.uint64)).sum())], np.uint64) for v, bit in enumerate(bits)}


def truth(d: Definitions, feature: int) -> list[int]:
    plane = int(d.evaluate(feature, planes())[0])
    return [plane >> i & 1 for i in range(1 << N)]


@pytest.mark.parametrize("seed", range(20))
def test_make_keeps_the_function(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = Definitions(N)
    features = [*range(N), d.constant(0), d.constant(1), d.make((1,), [1, 0])]
    for _ in range(12):
        k = int(rng.integers(1, 5))
        chosen = [features[i] for i in rng.integers(0, len(features), k)]
        table = rng.integers(0, 2, 1 << k).astype(np.int8)
        made = d.make(chosen, table)
        columns = [truth(d, f) for f in chosen]
        wanted = [int(table[sum(column[i] << j for j, column in enumerate(columns))]) for i in ALL]
        assert truth(d, made) == wanted
        features.append(made)


def test_equal_functions_of_the_same_features_are_one() -> None:
    d = Definitions(N)
    inverted = d.make((1,), [1, 0])
    assert d.make((0, 1), [0, 1, 1, 0]) == d.make((1, 0), [0, 1, 1, 0])
    assert d.make((0, inverted), [0, 0, 0, 1]) == d.make((0, 1), [0, 1, 0, 0])
    assert d.make((0, 0), [0, 1, 1, 1]) == 0
    assert d.constant_value(d.make((0, 2), [1, 1, 1, 1])) == 1


def test_substituted() -> None:
    d = Definitions(N)
    both = d.make((d.make((0, 1), [0, 1, 1, 0]), 2), [0, 0, 0, 1])
    inverted = d.make((3,), [1, 0])
    image = d.substituted(both, {0: inverted}, {})
    assert truth(d, image) == [((1 ^ (i >> 3 & 1)) ^ (i >> 1 & 1)) & (i >> 2 & 1) for i in ALL]
    assert d.substituted(both, {}, {}) == both
    assert d.support(image) == 0b1110
