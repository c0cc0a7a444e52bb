"""An arithmetic unit with adders and shifters in common, as a diagram with its control tree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from small_graphs import Word, add, bits_of, shifted
from small_oracles import FieldOracle, Words

from bsdgen.bits import U64, from_bool, to_bool
from bsdgen.bsd import Bsd
from bsdgen.learn.control import DONT_CARE, GONE, ControlTree
from bsdgen.learn.share.graph import Graph

W, SHORT = 8, 5
FIELDS = [3, W, W, SHORT]
OUTPUTS = [W, W]
N = sum(FIELDS)
Leaves = list[dict[int, int]]  # for each value of the first field, literal by output


def _extended(short: U64) -> U64:
    return (short ^ np.uint64(1 << SHORT - 1)) - np.uint64(1 << SHORT - 1)


def operate(op: U64, a: U64, b: U64, short: U64) -> Words:
    """Sums, a difference, shifts to both sides, an AND; an address where `op` is 6 or 7."""
    by, ones = b & np.uint64(7), np.uint64((1 << W) - 1)
    address = a + _extended(short)
    results = [a + b, address, a - b, a << by, (a & ones) >> by, a & b, b, np.zeros_like(a)]
    return np.choose(op.astype(np.int64), results) & ones, address & ones


def cared(op: U64, a: U64, b: U64, short: U64) -> Words:
    """The address means nothing but where `op` is 6 or 7."""
    ones = np.full(op.shape, ~np.uint64(0))
    return ones, np.where(op >= 6, ones, np.uint64(0))


def alu() -> FieldOracle:
    return FieldOracle(FIELDS, OUTPUTS, operate, cared)


@dataclass(frozen=True)
class Disguise:
    """Renumbered and inverted bits: bit i becomes `place[i]`, inverted where `flip[i]`."""

    place: NDArray[np.int64]
    flip: NDArray[np.bool_]

    @staticmethod
    def drawn(n: int, seed: int | None) -> "Disguise":
        """At random; None: as it is."""
        if seed is None:
            return Disguise(np.arange(n), np.zeros(n, np.bool_))
        rng = np.random.default_rng(seed)
        return Disguise(rng.permutation(n), rng.random(n) < 0.5)

    def put_on(self, words: U64, flip: bool = True) -> U64:
        bits = np.zeros((words.shape[0], self.place.shape[0]), np.bool_)
        bits[:, self.place] = to_bool(words, self.place.shape[0]) ^ (self.flip & flip)
        return from_bool(bits)


class Built:
    """Its diagram, as the learner makes it, and the tree, perhaps in disguise."""

    def __init__(self, seed: int | None = None) -> None:
        self.inputs, self.outputs = Disguise.drawn(N, seed), Disguise.drawn(sum(OUTPUTS), seed)
        self.graph = Graph(N)
        literals = [
            2 * (int(v) + 1) ^ int(flip) for v, flip in zip(self.inputs.place, self.inputs.flip, strict=True)
        ]
        self.op, self.a, self.b = literals[:3], literals[3 : 3 + W], literals[3 + W : 3 + 2 * W]
        short = literals[3 + 2 * W :]
        self.extended = short + short[-1:] * (W - SHORT)
        self.bsd, self.tree = self._tree(self._leaves())

    def _leaves(self) -> Leaves:
        graph, a, b = self.graph, self.a, self.b
        address = add(graph, a, self.extended)
        words: list[Word] = [
            add(graph, a, b),
            address,
            add(graph, a, [x ^ 1 for x in b], 1),
            shifted(graph, a, b[:3]),
            shifted(graph, a[::-1], b[:3])[::-1],
            [graph.ite(x, y, 0) for x, y in zip(a, b, strict=True)],
            b,
            [0] * W,
        ]
        leaves = []
        for op, word in enumerate(words):
            both = [*word, *(address if op >= 6 else [DONT_CARE] * W)]
            leaves.append({int(self.outputs.place[o]): self._flipped(o, x) for o, x in enumerate(both)})
        return leaves

    def _flipped(self, output: int, literal: int) -> int:
        return literal if literal == DONT_CARE else literal ^ int(self.outputs.flip[output])

    def _tree(self, leaves: Leaves) -> tuple[Bsd, ControlTree]:
        """Split on the first field, its last bit first."""
        low = [2 * at + 1 for at in range(7)] + [-1] * 8
        guard = [self.op[2 - (at + 1).bit_length() + 1] & ~1 for at in range(7)] + [0] * 8
        mask, value = np.zeros((15, 1), np.uint64), np.zeros((15, 1), np.uint64)
        operation = [0] * 15
        for at in range(7):
            level = 2 - (at + 1).bit_length() + 1
            one = np.uint64(1) << np.uint64((guard[at] >> 1) - 1)
            for bit in (0, 1):
                half = low[at] + bit
                mask[half], value[half] = mask[at] | one, value[at] | (one if bit else np.uint64(0))
                operation[half] = operation[at] | (bit ^ (self.op[level] & 1)) << level
        settled = {7 + k: leaves[operation[7 + k]] for k in range(8)}
        roots = []
        for output in range(sum(OUTPUTS)):
            made: list[int] = [0] * 15
            for at in range(14, -1, -1):
                if at >= 7:
                    made[at] = max(settled[at][output], 0)
                else:
                    made[at] = self.graph.ite(guard[at], made[low[at] + 1], made[low[at]])
            roots.append(made[0])
        bsd, there = self.graph.to_bsd(roots)

        def own(literal: int) -> int:
            if literal < 0:
                return literal
            return GONE if literal >> 1 not in there else there[literal >> 1] ^ (literal & 1)

        entries = [(at, o, own(x)) for at, of in settled.items() for o, x in of.items()]
        context, output_, literal = np.array(entries, np.int32).T
        high = [x + 1 if x >= 0 else -1 for x in low]
        arrays = (np.array(x, np.int32) for x in (guard, low, high))
        tree = ControlTree(*arrays, mask, value, context, output_, literal, np.ones(len(entries), np.bool_))
        return bsd, tree

    def wrong(self, bsd: Bsd, seed: int = 5, n: int = 1 << 14) -> int:
        """Of random rows, those on which a diagram is wrong where it is cared for."""
        rows = from_bool(np.random.default_rng(seed).random((n, N)) < 0.5)
        outputs, care = alu().query(rows)
        said = bsd.evaluate(self.inputs.put_on(rows))
        differ = (said ^ self.outputs.put_on(outputs)) & self.outputs.put_on(care, flip=False)
        return int(bits_of(differ, sum(OUTPUTS)).any(axis=1).sum())
