"""Swaps of neighbouring variables keep functions and count nodes exactly; sifting finds good orders."""

import numpy as np
import pytest

from bsdgen.learn.share.levels import Inserter, Levels, TooMuchWork, sift

N = 6
ROWS = np.arange(1 << N)
PLANES = [(ROWS >> v & 1).astype(np.bool_) for v in range(N)]


def values(levels: Levels, literal: int) -> np.ndarray:
    of = {0: np.zeros(1 << N, np.bool_)}
    for at, variable, high, low in levels.nodes():
        of[at] = np.where(PLANES[variable], of[high >> 1] ^ bool(high & 1), of[low >> 1] ^ bool(low & 1))
    return of[literal >> 1] ^ bool(literal & 1)


def drawn(seed: int, n: int = 3) -> tuple[Levels, list[int], list[np.ndarray]]:
    """Functions made one node at a time, each of a variable and two functions of all variables."""
    rng = np.random.default_rng(seed)
    levels = Levels(rng.permutation(N).tolist())
    inserter = Inserter(levels, 1 << 20)
    made = [levels.node(v, 1, 0) for v in range(N)]
    for _ in range(20):
        v, high, low = int(rng.integers(N)), *(int(x) for x in rng.choice(made, 2))
        literal = inserter.ite(v, high, low ^ 1)
        wanted = np.where(PLANES[v], values(levels, high), ~values(levels, low))
        assert (values(levels, literal) == wanted).all()
        made.append(literal)
    for literal in made[:-n]:
        levels.drop(literal)
    return levels, made[-n:], [values(levels, literal) for literal in made[-n:]]


def reachable(levels: Levels, roots: list[int]) -> int:
    children = {at: (high >> 1, low >> 1) for at, _, high, low in levels.nodes()}
    seen, stack = {0}, [root >> 1 for root in roots]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            stack += children[at]
    return len(seen) - 1


@pytest.mark.parametrize("seed", range(20))
def test_swaps(seed: int) -> None:
    levels, roots, wanted = drawn(seed)
    rng = np.random.default_rng(seed + 100)
    for _ in range(60):
        size, level = levels.size, int(rng.integers(N - 1))
        before = levels.order.copy()
        grown = levels.swap(level)
        assert levels.size == size + grown == reachable(levels, roots)
        assert levels.order[level : level + 2] == before[level : level + 2][::-1]
        for root, want in zip(roots, wanted, strict=True):
            assert (values(levels, root) == want).all()
    for root in roots:
        levels.drop(root)
    assert levels.size == 0


@pytest.mark.parametrize("seed", range(10))
def test_sifting_keeps_functions(seed: int) -> None:
    levels, roots, wanted = drawn(seed)
    before = levels.size
    sift(levels, 1 << 20)
    assert levels.size <= before and levels.size == reachable(levels, roots)
    for root, want in zip(roots, wanted, strict=True):
        assert (values(levels, root) == want).all()


def pairs(n: int) -> tuple[Levels, int]:
    """Whether some x_i and y_i are both 1, all x above all y: exponential; in pairs: two nodes each."""
    levels = Levels(range(2 * n))
    inserter = Inserter(levels, 1 << 20)
    literal = 0
    for i in range(n):
        y = levels.node(n + i, 1, 0)
        either = inserter.ite(n + i, 1, literal)
        more = inserter.ite(i, either, literal)
        for done in (y, either, literal):
            levels.drop(done)
        literal = more
    return levels, literal


def test_sifting_finds_pairs() -> None:
    levels, _ = pairs(8)
    assert levels.size > 2**8
    sift(levels, 1 << 22)
    assert levels.size == 2 * 8


def test_work_is_bounded() -> None:
    levels, literal = pairs(8)
    before = levels.size
    sift(levels, 0)
    assert levels.work == 0 and levels.size == before and literal
    ticks: list[int] = []
    sift(levels, 40, tick=lambda: ticks.append(levels.work))
    assert max(ticks) < 40 and len(ticks) < 2 * 8 and levels.size < before


def test_too_many_pairs() -> None:
    levels, literal = pairs(8)
    order = Levels([*range(1, 16), 0])
    with pytest.raises(TooMuchWork):
        copied(levels, literal, Inserter(order, 100))
    assert copied(levels, literal, Inserter(Levels([*range(1, 16), 0]), 1 << 20))


def copied(levels: Levels, literal: int, inserter: Inserter) -> int:
    made = {0: 0}
    for at, variable, high, low in levels.nodes():
        made[at] = inserter.ite(variable, made[high >> 1] ^ (high & 1), made[low >> 1] ^ (low & 1))
    return made[literal >> 1] ^ (literal & 1)
