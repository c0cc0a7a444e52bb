"""Rare events are found whatever the order and the polarity of the bits."""

import numpy as np
from small_oracles import FieldOracle, Fields, Words, learn

from bsdgen.bits import U64, from_bool, to_bool
from bsdgen.bsd import Bsd
from bsdgen.learn.climb import climb, n_climbers
from bsdgen.learn.kernels import walk as kernel
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource

WIDTH = 32
FLIPS = np.uint64(0x5A0FC3936A95E14D)
LOW = np.uint64((1 << WIDTH) - 1)


class Scrambled:
    """A word plus one, and another plus the first, all bits moved about and about half of them inverted."""

    def __init__(self) -> None:
        def function(a: U64, b: U64) -> Words:
            return (a + np.uint64(1), a + b)

        self.plain = FieldOracle([WIDTH, WIDTH], [WIDTH, WIDTH], function)
        self.n_inputs = self.n_outputs = 2 * WIDTH
        rng = np.random.default_rng(5)
        self.order = rng.permutation(2 * WIDTH)

    def disguised(self, rows: U64) -> U64:
        return from_bool(to_bool(rows ^ FLIPS, 2 * WIDTH)[:, self.order])

    def query(self, inputs: U64) -> tuple[U64, U64]:
        outputs, care = self.plain.query(
            from_bool(to_bool(inputs, 2 * WIDTH)[:, np.argsort(self.order)]) ^ FLIPS
        )
        return self.disguised(outputs), care


def chain(n: int) -> Bsd:
    """The conjunction of n variables, every second of them inverted; the last variable is tested first."""
    variables = 2 * np.arange(1, n + 1, dtype=np.int32)
    guard = variables[1:] ^ (np.arange(1, n) % 2).astype(np.int32)
    high = np.concatenate([variables[:1], 2 * np.arange(n + 1, 2 * n - 1)]).astype(np.int32)
    return Bsd(n, guard, np.zeros(n - 1, np.int32), high, np.array([2 * (2 * n - 1)], np.int32))


def walked(bsd: Bsd, rows: U64, mask: U64) -> U64:
    depth = np.empty(1 + bsd.n_inputs + bsd.n_nodes, np.int64)
    kernel.depths(bsd.n_inputs, bsd.low, bsd.high, depth)
    out = rows.copy()
    start = np.full(len(rows), bsd.roots[0], np.int32)
    which = np.zeros(len(rows), np.int64)
    kernel.walk(
        np.uint64(7), bsd.n_inputs, bsd.guard, bsd.low, bsd.high, depth, start, mask[None], which, out
    )
    return out


def test_walks_reach_the_end_of_a_chain() -> None:
    bsd, rows = chain(40), Fields([40]).random(1, 4000)
    assert not bsd.evaluate(rows).any()
    nothing = np.zeros(1, np.uint64)
    assert bsd.evaluate(walked(bsd, rows, nothing)).mean() > 1 / 160


def test_walks_stay_in_their_cube() -> None:
    bsd, rows = chain(40), Fields([40]).random(1, 4000)
    mask = np.array([0x00FF], np.uint64)
    after = walked(bsd, rows, mask)
    assert ((after ^ rows) & mask == 0).all() and (after != rows).any()
    rows[:] = 0x55  # the first eight variables allow the conjunction
    assert bsd.evaluate(walked(bsd, rows, mask)).mean() > 1 / 160


def test_climbing_finds_long_carries() -> None:
    queries = Queries(FieldOracle([64], [64], lambda a: ((a ^ FLIPS) + np.uint64(1),)))
    assert n_climbers(queries) > 0
    rng = np.random.default_rng(0)
    start = RowSource(64, None).uniform(rng, 16)

    def long_carries(rows: U64) -> float:
        ones = [(~int(a) & int(a) + 1).bit_length() - 1 for a in (rows[:, 0] ^ FLIPS)]
        return float(np.mean(np.array(ones) >= 12))

    assert long_carries(start) == 0
    assert long_carries(climb(queries, start, rng)) > 0.05


def test_a_scrambled_adder_is_learned() -> None:
    oracle = Scrambled()
    fitted = learn(oracle)
    ones = np.uint64((1 << 31) - 1)
    rng = np.random.default_rng(3)
    carry = rng.integers(0, 1 << 32, 3000, np.uint64) << np.uint64(32)
    carry |= ones >> rng.integers(0, 31, 3000).astype(np.uint64)
    rows = np.concatenate([oracle.disguised(carry[:, None]), Fields([64]).random(4, 3000)])
    assert (fitted.bsd_.evaluate(rows) == oracle.query(rows)[0]).all()
    assert fitted.bsd_.n_nodes <= 1.1 * learn(oracle.plain).bsd_.n_nodes
