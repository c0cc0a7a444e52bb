"""Every compiled loop of the learner against a plain-numpy twin."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bsdgen.bits import U64, to_bool
from bsdgen.learn.kernels import climb, counts, delta, influence, rows

SEEDS = range(4)


def words(rng: np.random.Generator, *shape: int) -> U64:
    return rng.integers(0, 1 << 64, shape, np.uint64)


def cubes(rng: np.random.Generator, f: int, w: int) -> tuple[U64, U64]:
    """Masks and values of cubes; value bits lie inside the mask."""
    mask = words(rng, f, w) & words(rng, f, w)
    return mask, mask & words(rng, f, w)


def flags(planes: U64) -> NDArray[np.bool_]:
    """Planes (..., b) as bool (..., 64 b)."""
    bits = np.unpackbits(np.ascontiguousarray(planes).view(np.uint8), axis=-1, bitorder="little")
    return bits.astype(np.bool_)


def planes(bools: NDArray[np.bool_]) -> U64:
    return np.packbits(bools, axis=-1, bitorder="little").view(np.uint64)


@pytest.mark.parametrize("seed", SEEDS)
def test_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bank, (mask, value) = words(rng, 64, 3), cubes(rng, 5, 3)
    out = np.zeros((5 * 64, 3), np.uint64)
    rows.force(bank, mask, value, out)
    wanted = (bank[None] & ~mask[:, None]) | value[:, None]
    assert np.array_equal(out.reshape(5, 64, 3), wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_force_and_flip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, (mask, value) = words(rng, 4, 128, 3), cubes(rng, 4, 3)
    owner = rng.integers(0, 4, 20)
    variable = np.array([-1, 0, 63, 64, 191, *rng.integers(-1, 192, 15)])
    out = np.zeros((20 * 128, 3), np.uint64)
    rows.force_and_flip(own, mask, value, owner, variable, out)
    for job, (cube, flip) in enumerate(zip(owner, variable, strict=True)):
        bits = to_bool((own[cube] & ~mask[cube]) | value[cube], 192)
        if flip >= 0:
            bits[:, flip] ^= True
        assert np.array_equal(to_bool(out[job * 128 : (job + 1) * 128], 192), bits)


@pytest.mark.parametrize("seed", SEEDS)
def test_gather(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs, bit = words(rng, 6 * 128, 2), np.array([0, 63, 64, 127, *rng.integers(0, 128, 2)])
    got = np.zeros((6, 2), np.uint64)
    rows.gather(outputs, 128, bit, got)
    wanted = [to_bool(outputs[j * 128 : (j + 1) * 128], 128)[:, b] for j, b in enumerate(bit)]
    assert np.array_equal(flags(got), np.array(wanted))


@pytest.mark.parametrize("n_bits", [1, 63, 64, 65, 130])
def test_planes_of(n_bits: int) -> None:
    table = words(np.random.default_rng(n_bits), 192, (n_bits + 63) // 64)
    got = np.zeros((n_bits, 3), np.uint64)
    rows.planes_of(table, n_bits, got)
    assert np.array_equal(flags(got), to_bool(table, n_bits).T)


@pytest.mark.parametrize("seed", SEEDS)
def test_difference_planes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences, outputs = words(rng, 7, 128, 2), np.array([5, 127, 64, 0, 63])
    got = np.zeros((5, 7, 2), np.uint64)
    rows.difference_planes(differences, outputs, got)
    bits = flags(differences)
    for o, output in enumerate(outputs):
        assert np.array_equal(flags(got[o]), bits[:, :, output])


@pytest.mark.parametrize("word", [0, 1, 1 << 63, (1 << 64) - 1, 0x123456789ABCDEF0, 0x5555555555555555])
def test_popcount(word: int) -> None:
    assert influence.popcount(np.uint64(word)) == word.bit_count()


def slow_split_costs(sens: U64, row_planes: U64, least: int) -> list[float]:
    s, value = flags(sens), flags(row_planes)
    costs = []
    for y in range(s.shape[1]):
        halves = [value[y], ~value[y]]
        if not all(half.any() for half in halves):
            costs.append(np.inf)
            continue
        total = 0.0
        for o in range(s.shape[0]):
            for x in range(s.shape[1]):
                if x != y and s[o, x].sum() >= least:
                    for half in halves:
                        total += 0.5 * np.sqrt((s[o, x] & half).sum() / half.sum())
        costs.append(total)
    return costs


@pytest.mark.parametrize("seed", SEEDS)
def test_split_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sens = words(rng, 4, 9, 2) & words(rng, 4, 9, 2)
    sens[3] = 0
    sens[:, 2] &= words(rng, 4, 2) & words(rng, 4, 2) & words(rng, 4, 2)  # rarely seen
    sens[0, 7], sens[0, 8] = (1 << 8) - 1, 0  # seen on 16 rows and on none, below on 8 and 7
    sens[1, 7], sens[1, 8] = (0, 0xFF), (0, 0x7F)
    row_planes = words(rng, 9, 2)
    row_planes[0], row_planes[1] = 0, ~np.uint64(0)  # constant on these rows: no split
    costs = np.zeros(9)
    influence.split_costs(sens, row_planes, 8, costs)
    assert np.isinf(costs[:2]).all() and not np.isinf(costs[2:]).any()
    assert np.allclose(costs, slow_split_costs(sens, row_planes, 8))


@pytest.mark.parametrize("seed", SEEDS)
def test_influences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sens, counts = words(rng, 5, 11, 3) & words(rng, 5, 11, 3), np.zeros((5, 11), np.int64)
    influence.influences(sens, counts)
    assert np.array_equal(counts, flags(sens).sum(axis=2))


def test_hash_of_a_signature() -> None:
    rng = np.random.default_rng(3)
    signatures = words(rng, 2000, 3)
    hashes = [int(influence.hash_signature(s)) for s in signatures]
    assert len(set(hashes)) == 2000 and 0 not in hashes
    assert hashes == [int(influence.hash_signature(~s)) for s in signatures]
    near = signatures.copy()
    near[:, 2] ^= np.uint64(1) << np.uint64(63)
    assert not set(hashes) & {int(influence.hash_signature(s)) for s in near}
    for constant in (np.zeros(3, np.uint64), np.full(3, ~np.uint64(0))):
        assert influence.hash_signature(constant) == 0


def test_hash_on_some_rows() -> None:
    """Rows outside the mask do not count; inside, complements are one and constants are 0."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        word, mask, noise = words(rng, 3), words(rng, 3), words(rng, 3)
        lead = int(rng.choice(np.flatnonzero(flags(mask))))
        plain = influence.hash_masked(word, mask, lead)
        assert plain != 0
        assert influence.hash_masked((word & mask) | (noise & ~mask), mask, lead) == plain
        assert influence.hash_masked(~word, mask, lead) == plain
        assert influence.hash_masked(noise & ~mask, mask, lead) == 0
        assert influence.hash_masked(mask | noise, mask, lead) == 0
        other = word.copy()
        at = int(rng.choice(np.flatnonzero(flags(mask) & (np.arange(192) != lead))))
        other[at >> 6] ^= np.uint64(1) << np.uint64(at & 63)
        assert influence.hash_masked(other, mask, lead) != plain
    everywhere = np.full(3, ~np.uint64(0))
    assert influence.hash_masked(word, everywhere, 0) == influence.hash_signature(word)


def slow_expansion_costs(base: U64, sens: U64, row_planes: U64, known: list[bytes], mask: U64) -> list[int]:
    """Distinct cofactors, as whole strings of the rows that count."""

    def canonical(values: NDArray[np.bool_]) -> bytes:
        return (values ^ values[0]).tobytes()

    keep = flags(mask)
    f, s, v = flags(base), flags(sens), flags(row_planes)
    costs = []
    for y in range(v.shape[0]):
        depends = (s[:, y] & keep).any(axis=1)
        trivial = {canonical(np.zeros(int(keep.sum()), np.bool_)), *known}
        found = set()
        for i in range(f.shape[0]):
            cofactors = {canonical((f[i] ^ (s[i, y] & p))[keep]) for p in (v[y], ~v[y])}
            found |= cofactors - trivial or {canonical(f[i][keep])}  # one that ends counts as if it stayed
        costs.append(len(found - trivial) if depends.any() else -1)
    return costs


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("masked", [False, True])
def test_expansion_costs(seed: int, masked: bool) -> None:
    """On true sensitivities of random functions of seven variables over all 128 rows."""
    rng = np.random.default_rng(seed)
    index = np.arange(128)
    value = np.array([(index >> y & 1).astype(np.bool_) for y in range(7)])
    functions = rng.random((6, 128)) < 0.5
    functions[3] = value[0] & value[1]
    functions[4] = ~functions[0]
    functions[5] = value[2] ^ value[3]
    sens = np.array([[f ^ f[index ^ (1 << y)] for y in range(7)] for f in functions])
    sens[:, 6] = False
    sens[:3, 5] = False
    mask = words(rng, 2) if masked else np.full(2, ~np.uint64(0))
    lead = int(np.flatnonzero(flags(mask))[-1])
    row_planes = planes(value)
    known_planes = planes(np.concatenate([value, functions[:1]]))
    known = np.array(sorted({int(influence.hash_masked(p, mask, lead)) for p in known_planes}), np.uint64)
    costs = np.zeros(7, np.int64)
    influence.expansion_costs(planes(functions), planes(sens), row_planes, known, mask, lead, costs)
    keep = flags(mask)
    names = [(k[keep] ^ k[keep][0]).tobytes() for k in flags(known_planes)]
    assert costs.tolist() == slow_expansion_costs(planes(functions), planes(sens), row_planes, names, mask)
    assert costs[6] == -1 and (costs[:6] > 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_agreement(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = rng.integers(0, 3, (6, 80, 2)).astype(np.uint64) * np.uint64(1 << 40)
    differences[rng.random((6, 80)) < 0.4] = 0
    differences[4] = differences[3]
    same, other = np.zeros((6, 6), np.int64), np.zeros((6, 6), np.int64)
    delta.agreement(differences, same, other)
    active = differences.any(axis=2)
    for x in range(6):
        for z in range(6):
            if x == z:
                continue
            both = active[x] & active[z]
            equal = (differences[x] == differences[z]).all(axis=1)
            assert (same[x, z], other[x, z]) == ((both & equal).sum(), (both & ~equal).sum())
    assert same[3, 4] == active[3].sum() and other[3, 4] == 0


@pytest.mark.parametrize("ands", range(12))
def test_rare_rows(ands: int) -> None:
    rng = np.random.default_rng(ands)
    signatures = words(rng, 6, 5)
    for _ in range(ands):
        signatures &= words(rng, 6, 5)
    signatures[3:] = ~signatures[3:]
    got = np.zeros((6, 48), np.int64)
    rows.rare_rows(signatures, got)
    for bits, found in zip(flags(signatures), got, strict=True):
        rare = np.flatnonzero(bits == (2 * bits.sum() <= bits.size))
        if not rare.size:
            rare = np.arange(bits.size)
        assert np.array_equal(found, rare[np.arange(48) * rare.size // 48])


def test_mixed() -> None:
    rng = np.random.default_rng(3)
    own, others = words(rng, 4, 64, 3), words(rng, 4, 3)[:, None]
    got = np.zeros_like(own)
    rows.mixed(own, others[:, 0], got)
    assert np.array_equal(got, (own & ~others) | (np.roll(own, 1, axis=1) & others))


def test_neighbours_and_which_are_kept() -> None:
    rng = np.random.default_rng(5)
    n, before, flips = 70, words(rng, 4, 2), np.array([-1, 0, 64, 69])
    tried = before.copy()
    for row, flip in enumerate(flips):
        if flip >= 0:
            tried[row, flip >> 6] ^= np.uint64(1) << np.uint64(flip & 63)
    got = np.zeros((4 * (1 + n), 2), np.uint64)
    climb.neighbours(before, flips, n, got)
    table = got.reshape(4, 1 + n, 2)
    assert np.array_equal(table[:, 0], tried)
    assert np.array_equal(
        to_bool((table[:, 1:] ^ tried[:, None]).reshape(-1, 2), n), np.tile(np.eye(n), (4, 1))
    )

    outputs, wanted = words(rng, 4 * (1 + n), 1), words(rng, 4, 1)
    answers = outputs.reshape(4, 1 + n, 1)
    changes = np.bitwise_count((answers[:, 1:] ^ answers[:, :1]) & wanted[:, None]).sum(axis=(1, 2))
    best, after = np.array([-1, changes[1], changes[2] + 1, changes[3] - 1]), before.copy()
    climb.keep_better(outputs, wanted, got, after, best)
    kept = np.array([True, True, False, True])
    assert np.array_equal(after, np.where(kept[:, None], tried, before))
    assert np.array_equal(best, changes + ~kept)


def test_count_bit() -> None:
    rng = np.random.default_rng(6)
    table, group = words(rng, 300, 2), rng.integers(0, 4, 300)
    bit, got = np.array([0, 63, 64, 127], np.int32), np.array([5, 0, 0, 0])
    counts.count_bit(table, group, bit, got)
    set_bits = to_bool(table, 128)
    wanted = [int(set_bits[group == g, bit[g]].sum()) + (5 if g == 0 else 0) for g in range(4)]
    assert got.tolist() == wanted
