"""Rows of the learner: the compiled loop against a plain twin, and what the rows look like."""

import numba
import numpy as np
import pytest

from bsdgen.bits import U64, to_bool
from bsdgen.learn.kernels import draw
from bsdgen.learn.samples import RowSource

M = (1 << 64) - 1
NONE = np.zeros((0, 2), np.uint64)
TAIL = np.array([M, (1 << 20) - 1], np.uint64)


def words(seed: int, *shape: int) -> U64:
    return np.random.default_rng(seed).integers(0, 1 << 64, shape, np.uint64)


class SlowStream:
    """SplitMix64 in Python's integers."""

    def __init__(self, state: int) -> None:
        self.state = state

    def __call__(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & M
        return scramble(self.state)


def scramble(z: int) -> int:
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & M
    return z ^ z >> 31


def slow_row(
    stream: SlowStream, kind: int, recorded: list[list[int]], sensitive: list[list[int]]
) -> list[int]:
    choice = stream()
    mixed = kind == draw.MIXED
    kind = choice >> 62 if mixed else kind
    if kind in (draw.RECORDED, draw.FLIPPED) and not recorded:
        kind = draw.BIASED
    number = choice >> 48 & 0xFFF
    if mixed and kind == draw.UNIFORM and sensitive and choice >> 60 & 1:
        kind, recorded = draw.FLIPPED, sensitive
    row = recorded[(choice & (1 << 48) - 1) % len(recorded)] if kind <= draw.FLIPPED else [0, 0]
    if kind == draw.RECORDED:
        return list(row)
    levels = {draw.FLIPPED: 3 + number % 6, draw.BIASED: number % 6, draw.UNIFORM: 0}[kind]
    out = []
    for word in row:
        drawn = stream()
        for _ in range(levels):
            drawn &= stream()
        out.append(~drawn & M if kind == draw.BIASED and choice >> 61 & 1 else word ^ drawn)
    return out


@pytest.mark.parametrize("searched", [False, True])
@pytest.mark.parametrize("with_rows", [False, True])
@pytest.mark.parametrize("kind", [draw.RECORDED, draw.FLIPPED, draw.BIASED, draw.UNIFORM, draw.MIXED])
@pytest.mark.parametrize("cubes", ["none", "given", "drawn"])
def test_draw(kind: int, with_rows: bool, searched: bool, cubes: str) -> None:
    recorded = words(1, 7, 2) & TAIL if with_rows else NONE
    sensitive = words(4, 6, 2) & TAIL if searched else NONE
    mask, value = (NONE, NONE) if cubes == "none" else (words(2, 5, 2), words(3, 5, 2))
    value = value & mask
    which = np.arange(3000) % 5 if cubes == "given" else np.zeros(0, np.int64)
    out = np.empty((3000, 2), np.uint64)
    known = recorded.tolist(), sensitive.tolist()
    draw.draw(np.uint64(12345), kind, recorded, sensitive, TAIL, mask, value, which, out)
    for at in [*range(40), 1023, 1024, 2999]:
        stream = SlowStream(scramble((12345 + at * 0xD1342543DE82EF95) & M))
        row = [word & int(tail) for word, tail in zip(slow_row(stream, kind, *known), TAIL, strict=True)]
        if cubes != "none":
            cube = at % 5 if cubes == "given" else stream() % 5
            row = [w & ~int(m) & M | int(v) for w, m, v in zip(row, mask[cube], value[cube], strict=True)]
        assert out[at].tolist() == row, at


def test_rows_do_not_depend_on_threads() -> None:
    drawn = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        drawn.append(RowSource(84, words(1, 9, 2)).mixed(np.random.default_rng(0), 20_000))
    assert np.array_equal(*drawn)
    few = RowSource(84, words(1, 9, 2)).mixed(np.random.default_rng(0), 50)
    assert np.array_equal(few, drawn[0][:50])


def density(rows: U64) -> float:
    return float(to_bool(rows, 84).mean())


def test_kinds_of_rows() -> None:
    rng = np.random.default_rng(0)
    source = RowSource(84, words(1, 9, 2))
    assert source.recorded is not None
    known = {row.tobytes() for row in source.recorded}
    assert {row.tobytes() for row in source.replayed(rng, 500)} == known
    assert 0.49 < density(source.uniform(rng, 5000)) < 0.51
    by_row = to_bool(source.biased(rng, 5000), 84).mean(axis=1)
    assert (by_row < 0.1).mean() > 0.15 and (by_row > 0.9).mean() > 0.15
    assert 0.45 < by_row.mean() < 0.55
    row = source.recorded[:1]
    flips = np.bitwise_count(source.flipped(rng, np.repeat(row, 5000, axis=0)) ^ row).sum(axis=1)
    assert (flips == 0).mean() > 0.1 and 84 / 32 < flips.max() <= 84 / 4
    mixed = source.mixed(rng, 8000)
    assert 0.25 < np.mean([row.tobytes() in known for row in mixed]) < 0.45
    assert not (mixed[:, 1] >> np.uint64(20)).any()


def test_rows_without_inputs() -> None:
    assert RowSource(0, None).mixed(np.random.default_rng(0), 10).shape == (10, 0)
