"""Compiled loops over recorded rows, each against a plain-numpy twin."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.kernels import completions as pairs_kernel
from bsdgen.learn.kernels import evidence as kernel

SEEDS = range(4)
Bools = NDArray[np.bool_]


def bools(rng: np.random.Generator, *shape: int) -> Bools:
    return rng.random(shape) < rng.choice([0.2, 0.5, 0.8])


def planes(bits: Bools) -> U64:
    return np.packbits(bits, axis=-1, bitorder="little").view(np.uint64)


def flags(words: U64) -> Bools:
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").astype(np.bool_)


@pytest.fixture(params=SEEDS)
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(request.param)


def target(rng: np.random.Generator, n: int) -> tuple[Bools, Bools]:
    care = rng.random(n) < 0.7
    return bools(rng, n) & care, care


def test_planes_of_rows(rng: np.random.Generator) -> None:
    rows = rng.integers(0, 1 << 63, (300, 2)).astype(np.uint64)
    chosen = np.sort(rng.choice(300, 150, replace=False)).astype(np.int32)
    out = np.empty((128, 3), np.uint64)
    kernel.planes_of_rows(rows, chosen, out)
    wanted = np.zeros((128, 192), np.bool_)
    wanted[:, :150] = flags(rows[chosen]).T
    assert np.array_equal(flags(out), wanted)


def test_values_and_features(rng: np.random.Generator) -> None:
    f, (y, c) = bools(rng, 5, 128), target(rng, 128)
    seen = int((y & c).any()) + 2 * int((~y & c).any())
    assert kernel.values_seen(planes(y), planes(c)) == seen
    assert kernel.equal_feature(planes(f), planes(f[3] & c), planes(c)) == 6
    assert kernel.equal_feature(planes(f), planes(~f[2] & c), planes(c)) == 5
    distance = np.zeros(5, np.int64)
    kernel.distances(planes(f), planes(y), planes(c), distance)
    assert distance.tolist() == ((f ^ y) & c).sum(axis=1).tolist()
    assert kernel.differs(planes(f[0]), planes(y), planes(c)) == bool(((f[0] ^ y) & c).any())


@pytest.mark.parametrize("size", [2, 3])
def test_exclusive_seeds(rng: np.random.Generator, size: int) -> None:
    f, (y, c) = bools(rng, 7, 128), target(rng, 128)
    best, who = np.zeros(4, np.int64), np.zeros((4, 3), np.int64)
    run = kernel.exclusive_pairs if size == 2 else kernel.exclusive_triples
    run(planes(f), planes(y), planes(c), best, who)
    scores = sorted(
        (
            abs(int(c.sum()) - 2 * int(((y ^ np.bitwise_xor.reduce(f[list(m)])) & c).sum()))
            for m in combinations(range(7), size)
        ),
        reverse=True,
    )
    assert sorted(best.tolist(), reverse=True) == scores[:4]


def test_tables(rng: np.random.Generator) -> None:
    f, (y, c) = bools(rng, 3, 192), target(rng, 192)
    cell = f[0] + 2 * f[1] + 4 * f[2].astype(np.int64)
    counts = np.zeros((8, 2), np.int64)
    wrong = kernel.tabulate(planes(f), planes(y), planes(c), 1 << 30, counts)
    wanted = np.zeros((8, 2), np.int64)
    np.add.at(wanted, (cell[c], y[c].astype(np.int64)), 1)
    assert np.array_equal(counts, wanted) and wrong == wanted.min(axis=1).sum()
    assert kernel.tabulate(planes(f), planes(y), planes(c), 0, np.zeros((8, 2), np.int64)) == (
        1 if wrong else 0
    )
    table = rng.integers(0, 2, 8).astype(np.int8)
    out = np.empty(3, np.uint64)
    kernel.apply_table(planes(f), table, out)
    assert np.array_equal(flags(out), table[cell].astype(np.bool_))
    cells = np.empty((8, 3), np.uint64)
    kernel.cells_of(planes(f), planes(c), cells)
    assert all(np.array_equal(flags(cells[i]), (cell == i) & c) for i in range(8))
    left = np.zeros(3, np.float64)
    more = bools(rng, 2, 192)
    kernel.impurities(planes(more), planes(y), cells, left)
    for at, extra in enumerate([*more, np.zeros(192, np.bool_)]):
        total = 0.0
        for i in range(8):
            for half in (extra, ~extra):
                rows = (cell == i) & c & half
                n, ones = int(rows.sum()), int((rows & y).sum())
                total += ones * (n - ones) / n if n else 0.0
        assert left[at] == pytest.approx(total)


def test_completions(rng: np.random.Generator) -> None:
    f = bools(rng, 6, 192)
    c = np.ones(192, np.bool_)
    y = (f[1] ^ f[4]) & c
    none, alone = np.empty((0, 3), np.uint64), np.full((1, 1), -1)
    found = np.zeros((32, 3), np.int64)
    rows = planes(y[None])[0], planes(c[None])[0]
    n = pairs_kernel.completions(planes(f), none, alone, np.array([True]), *rows, 32, found)
    wanted = []
    pairs = [*((k, k) for k in range(6)), *((j, k) for k in range(6) for j in range(k))]
    for p, q in pairs:
        key = f[p] + 2 * f[q]
        if all(len(set(y[key == value].tolist())) < 2 for value in range(4)):
            wanted.append([0, p, q])
    assert found[:n].tolist() == wanted and [0, 1, 4] in wanted
    assert pairs_kernel.completions(planes(f), none, alone, np.array([False]), *rows, 32, found) == 0


def test_completions_of_given_features(rng: np.random.Generator) -> None:
    """Against all tables over the given features and two more; rows that do not care say nothing."""
    f, more, c = bools(rng, 70, 256), bools(rng, 3, 256), rng.random(256) < 0.7
    y = np.where(more[0], f[3] & more[2], f[66] ^ more[1])
    sets = np.array([[0, 1, 2], [1, 2, -1], [0, 1, -1]])
    found = np.zeros((64, 3), np.int64)
    n = pairs_kernel.completions(
        planes(f),
        planes(more),
        sets,
        np.array([True, True, True]),
        planes(y[None])[0],
        planes(c[None])[0],
        9,
        found,
    )
    wanted = []
    for at, own in enumerate(([0, 1, 2], [1, 2], [0, 1])):
        base = sum(more[v].astype(int) << j for j, v in enumerate(own))
        for p, q in [*((k, k) for k in range(70)), *((j, k) for k in range(70) for j in range(k))]:
            key = base + 8 * f[p] + 16 * f[q]
            seen = {(int(a), int(b)) for a, b in zip(key[c], y[c], strict=True)}
            if len({a for a, _ in seen}) == len(seen):
                wanted.append([at, p, q])
    assert found[:n].tolist() == wanted and [0, 3, 66] in wanted


def test_gains_of_splits(rng: np.random.Generator) -> None:
    x, f = bools(rng, 3, 192), bools(rng, 4, 192)
    c = rng.random((2, 192)) < 0.8
    y = bools(rng, 2, 192) & c
    out = np.zeros(3, np.float64)
    kernel.split_gains(planes(x), planes(f), planes(y), planes(c), 1.0, out)

    def energy(o: int, rows: Bools) -> float:
        n = int((c[o] & rows).sum())
        features = [*f, np.zeros(192, np.bool_)]
        return max(((n - 2 * int(((y[o] ^ g) & c[o] & rows).sum())) ** 2 / n if n else 0.0) for g in features)

    every = np.ones(192, np.bool_)
    for at in range(3):
        wanted = sum(
            max(0.0, energy(o, x[at]) - 1) + max(0.0, energy(o, ~x[at]) - 1) - max(0.0, energy(o, every) - 1)
            for o in range(2)
        )
        assert out[at] == pytest.approx(wanted)


def test_switched_off_and_covers(rng: np.random.Generator) -> None:
    f, rows = bools(rng, 3, 128), bools(rng, 128)
    c = np.array([np.ones(128, np.bool_), rows, ~rows, np.ones(128, np.bool_)])
    y = np.array([f[1], np.zeros(128, np.bool_), bools(rng, 128), bools(rng, 128)]) & c
    of = (planes(y), planes(c))
    assert kernel.switched_off(*of, np.array([0, 1, 2]), planes(rows), planes(f))
    assert not kernel.switched_off(*of, np.array([0, 3]), planes(rows), planes(f))
    assert not kernel.switched_off(*of, np.array([2]), planes(rows), planes(f))  # nothing is cared for
    inside = np.zeros(4, np.bool_)
    kernel.covers(*of, 1, inside)
    values = [bool(v[rows].any() and (~v[rows]).any()) for v in y]
    assert inside.tolist() == [values[0], values[1], False, values[3]] == [True, False, False, True]
