"""Graphs for tests of sharing: random ones, and words made bit by bit."""

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.learn.share.graph import Evaluator, Graph

Word = list[int]  # literals, least significant bit first


def planes(n_inputs: int) -> U64:
    """All assignments of at least six variables: shape (n_inputs, 2 ** n_inputs / 64)."""
    bits = (np.arange(1 << n_inputs) >> np.arange(n_inputs)[:, None]) & 1
    packed: U64 = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little").view(np.uint64)
    return packed


def truth(graph: Graph, literals: Word) -> U64:
    """Truth tables: shape (n, 2 ** n_inputs / 64)."""
    return Evaluator(graph, literals)(planes(graph.n_inputs))


def random_bsd(seed: int, n_inputs: int, n_nodes: int) -> Bsd:
    """A diagram with any literals as guards and children, and every node a root."""
    rng = np.random.default_rng(seed)
    limit = 2 * (1 + n_inputs + np.arange(n_nodes))
    recent = np.maximum(0, limit - 24)  # or all would be close to the variables
    table = rng.integers(np.minimum(recent, 2 * n_inputs), limit, (3, n_nodes)).astype(np.int32)
    roots = np.arange(2 * (1 + n_inputs), 2 * (1 + n_inputs + n_nodes), 2, dtype=np.int32)
    return Bsd(n_inputs, guard=table[0], low=table[1], high=table[2], roots=roots)


def word(first: int, width: int) -> Word:
    """Literals of variables that follow one another."""
    return [2 * (v + 1) for v in range(first, first + width)]


def add(graph: Graph, a: Word, b: Word, carry: int = 0) -> Word:
    """Sum, made as the learner does: the two operands' bits first, then the carry."""
    out = []
    for x, y in zip(a, b, strict=True):
        out.append(graph.ite(x, graph.ite(y, carry, carry ^ 1), graph.ite(y, carry ^ 1, carry)))
        carry = graph.ite(x, graph.ite(y, 1, carry), graph.ite(y, carry, 0))
    return out


def less(graph: Graph, a: Word, b: Word) -> int:
    """Whether a < b."""
    out = 0
    for x, y in zip(a, b, strict=True):
        out = graph.ite(x, graph.ite(y, out, 0), graph.ite(y, 1, out))
    return out


def shifted(graph: Graph, a: Word, by: Word) -> Word:
    """Shift to the left."""
    for stage, bit in enumerate(by):
        a = [graph.ite(bit, a[i - (1 << stage)] if i >= 1 << stage else 0, a[i]) for i in range(len(a))]
    return a


def bits_of(words: U64, n: int) -> NDArray[np.bool_]:
    """Bits of packed words: shape (rows, n)."""
    found: NDArray[np.bool_] = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :n] == 1
    return found
