"""The and-inverter graph: flat arrays, children before parents.

Literals are those of `bsdgen.bsd`, which are also those of AIGER: ``2 * index + complement``, index 0 is the
constant FALSE, indices ``1 .. n_inputs`` are the inputs, index ``n_inputs + 1 + i`` is the AND of
``fanin0[i]`` and ``fanin1[i]``. A diagram becomes a graph by structural hashing (`aig_from_bsd`): equal nodes
are made once, constants and complements are folded, ``ITE`` becomes the cheapest of AND, OR, XOR and
multiplexer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32, check_graph


@njit(cache=True, nogil=True)
def _simulate(fanin0: I32, fanin1: I32, first: int, value: U64) -> None:  # pragma: no cover - compiled
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    for i in range(fanin0.shape[0]):
        a = fanin0[i]
        b = fanin1[i]
        flip_a = ones if a & 1 else np.uint64(0)
        flip_b = ones if b & 1 else np.uint64(0)
        for word in range(value.shape[1]):
            value[first + i, word] = (value[a >> 1, word] ^ flip_a) & (value[b >> 1, word] ^ flip_b)


@njit(cache=True, nogil=True)
def _levels(fanin0: I32, fanin1: I32, first: int, level: I32) -> None:  # pragma: no cover - compiled
    for i in range(fanin0.shape[0]):
        level[first + i] = 1 + max(level[fanin0[i] >> 1], level[fanin1[i] >> 1])


@njit(cache=True, nogil=True)
def _mark(
    fanin0: I32, fanin1: I32, first: int, used: NDArray[np.bool_]
) -> None:  # pragma: no cover - compiled
    for i in range(fanin0.shape[0] - 1, -1, -1):
        if used[first + i]:
            used[fanin0[i] >> 1] = True
            used[fanin1[i] >> 1] = True


@dataclass(frozen=True, eq=False)
class Aig:
    """A multi-output and-inverter graph.

    Attributes
    ----------
    n_inputs : number of inputs.
    fanin0, fanin1 : int32, shape (n_ands,)
        Literals of earlier nodes, see the module docstring.
    outputs : int32, shape (n_outputs,)
        Literal of each output.

    Examples
    --------
    >>> import numpy as np
    >>> nor = Aig(2, np.array([5], np.int32), np.array([3], np.int32), np.array([6], np.int32))
    >>> nor.evaluate(np.array([[0], [1], [2], [3]], np.uint64)).ravel().tolist()
    [1, 0, 0, 0]
    """

    n_inputs: int
    fanin0: I32
    fanin1: I32
    outputs: I32

    def __post_init__(self) -> None:
        fanins = {"fanin0": self.fanin0, "fanin1": self.fanin1}
        check_graph(self.n_inputs, fanins, {"outputs": self.outputs}, "graph")

    def __repr__(self) -> str:
        return f"Aig(inputs={self.n_inputs}, outputs={self.n_outputs}, ands={self.n_ands})"

    @property
    def n_ands(self) -> int:
        """AND nodes."""
        return int(self.fanin0.shape[0])

    @property
    def n_outputs(self) -> int:
        """Outputs."""
        return int(self.outputs.shape[0])

    @property
    def depth(self) -> int:
        """AND nodes on the longest path to an output."""
        if not self.n_outputs:
            return 0
        return int(self.levels()[self.outputs >> 1].max())

    def levels(self) -> I32:
        """Depth by index: int32, shape (1 + n_inputs + n_ands,); constant and inputs have 0."""
        level = np.zeros(1 + self.n_inputs + self.n_ands, np.int32)
        _levels(self.fanin0, self.fanin1, 1 + self.n_inputs, level)
        return level

    def used(self) -> NDArray[np.bool_]:
        """Which indices some output reaches: bool, shape (1 + n_inputs + n_ands,)."""
        mark = np.zeros(1 + self.n_inputs + self.n_ands, np.bool_)
        mark[self.outputs >> 1] = True
        _mark(self.fanin0, self.fanin1, 1 + self.n_inputs, mark)
        return mark

    def evaluate(self, inputs: U64) -> U64:
        """Evaluate packed rows (`bsdgen.bits`), on all cores.

        Parameters
        ----------
        inputs : uint64, shape (n, n_words(n_inputs))

        Returns
        -------
        uint64, shape (n, n_words(n_outputs))
        """
        # An AND is ITE(a, b, FALSE), so the diagram's kernel evaluates graphs too.
        return Bsd(
            self.n_inputs, self.fanin0, np.zeros_like(self.fanin0), self.fanin1, self.outputs
        ).evaluate(inputs)

    def simulate(self, columns: U64) -> U64:
        """Value of every node, 64 assignments a word.

        Parameters
        ----------
        columns : uint64, shape (n_inputs, n_words)
            Bit j of word w of row v is variable v in assignment 64 w + j.

        Returns
        -------
        uint64, shape (1 + n_inputs + n_ands, n_words), by index
        """
        if columns.dtype != np.uint64 or columns.ndim != 2 or columns.shape[0] != self.n_inputs:
            raise ValueError(
                f"columns must be uint64 of shape ({self.n_inputs}, n), not {columns.dtype} {columns.shape}"
            )
        value = np.zeros((1 + self.n_inputs + self.n_ands, columns.shape[1]), np.uint64)
        value[1 : 1 + self.n_inputs] = columns
        _simulate(self.fanin0, self.fanin1, 1 + self.n_inputs, value)
        return value

    def cone(self, outputs: Sequence[int]) -> "Aig":
        """Graph of some outputs (positions) over the same inputs, without the nodes they do not reach."""
        return Aig(self.n_inputs, self.fanin0, self.fanin1, self.outputs[list(outputs)]).compact()

    def compact(self) -> "Aig":
        """Graph without the nodes that no output reaches."""
        first = 1 + self.n_inputs
        keep = self.used()[first:]
        index = np.arange(first + self.n_ands, dtype=np.int64)
        index[first:][keep] = first + np.arange(int(keep.sum()))

        def move(literals: I32) -> I32:
            moved: I32 = (2 * index[literals >> 1] + (literals & 1)).astype(np.int32)
            return moved

        return Aig(self.n_inputs, move(self.fanin0[keep]), move(self.fanin1[keep]), move(self.outputs))


class AigBuilder:
    """Makes a graph node by node, each structure once.

    Examples
    --------
    >>> builder = AigBuilder(2)
    >>> builder.ite(2, 5, 4) == builder.xor(2, 4) == builder.xor(3, 5)
    True
    >>> builder.build([builder.xor(2, 4)])
    Aig(inputs=2, outputs=1, ands=3)
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self._fanin0: list[int] = []
        self._fanin1: list[int] = []
        self._known: dict[tuple[int, int], int] = {}

    @property
    def n_ands(self) -> int:
        """AND nodes so far, used or not."""
        return len(self._fanin0)

    def fanins(self, index: int) -> tuple[int, int]:
        """Fanin literals of AND node `index`."""
        i = index - 1 - self.n_inputs
        return self._fanin0[i], self._fanin1[i]

    def and_(self, a: int, b: int) -> int:
        """Literal of ``a & b``."""
        if a < b:
            a, b = b, a
        if b == 0 or a == b ^ 1:
            return 0
        if b in (1, a):
            return a
        literal = self._known.get((a, b))
        if literal is None:
            literal = 2 * (1 + self.n_inputs + len(self._fanin0))
            self._fanin0.append(a)
            self._fanin1.append(b)
            self._known[a, b] = literal
        return literal

    def or_(self, a: int, b: int) -> int:
        """Literal of ``a | b``."""
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a: int, b: int) -> int:
        """Literal of ``a ^ b``; complements are moved to the result, so that they do not hide equal nodes."""
        flip = (a ^ b) & 1
        a, b = a & ~1, b & ~1
        return self.and_(self.and_(a, b ^ 1) ^ 1, self.and_(a ^ 1, b) ^ 1) ^ 1 ^ flip

    def ite(self, guard: int, high: int, low: int) -> int:
        """Literal of ``guard ? high : low``."""
        if guard & 1:
            guard, high, low = guard ^ 1, low, high
        # Inside a branch the guard is known.
        high = 1 if high == guard else 0 if high == guard ^ 1 else high
        low = 0 if low == guard else 1 if low == guard ^ 1 else low
        if guard == 0 or high == low:
            return low
        if high == low ^ 1:
            return self.xor(guard, low)
        if high <= 1:
            return self.or_(guard, low) if high else self.and_(guard ^ 1, low)
        if low <= 1:
            return self.or_(guard ^ 1, high) if low else self.and_(guard, high)
        flip = low & 1
        on, off = self.and_(guard, high ^ flip), self.and_(guard ^ 1, low ^ flip)
        return self.or_(on, off) ^ flip

    def build(self, outputs: Sequence[int]) -> Aig:
        """The graph of some literals, without nodes they do not reach."""
        return Aig(
            self.n_inputs,
            np.array(self._fanin0, np.int32),
            np.array(self._fanin1, np.int32),
            np.array(outputs, np.int32),
        ).compact()


def aig_from_bsd(bsd: Bsd) -> Aig:
    """The diagram as a graph, by structural hashing; linear in its nodes.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([2], np.int32)
    >>> aig_from_bsd(Bsd(1, one, np.array([0], np.int32), np.array([1], np.int32), np.array([4], np.int32)))
    Aig(inputs=1, outputs=1, ands=0)
    """
    builder = AigBuilder(bsd.n_inputs)
    literal = list(range(0, 2 * (1 + bsd.n_inputs), 2))
    for guard, high, low in zip(bsd.guard.tolist(), bsd.high.tolist(), bsd.low.tolist(), strict=True):
        literal.append(
            builder.ite(
                literal[guard >> 1] ^ (guard & 1),
                literal[high >> 1] ^ (high & 1),
                literal[low >> 1] ^ (low & 1),
            )
        )
    return builder.build([literal[root >> 1] ^ (root & 1) for root in bsd.roots.tolist()])


def bsd_from_aig(aig: Aig) -> Bsd:
    """The graph as a diagram, a node an AND; what an emitter writes of an optimised graph."""
    return Bsd(aig.n_inputs, aig.fanin0, np.zeros_like(aig.fanin0), aig.fanin1, aig.outputs)


def copy_into(builder: AigBuilder, aig: Aig, inputs: Sequence[int]) -> list[int]:
    """Add a graph to a builder, its inputs tied to given literals; returns the literals of its outputs."""
    literal = [0, *inputs]
    for a, b in zip(aig.fanin0.tolist(), aig.fanin1.tolist(), strict=True):
        literal.append(builder.and_(literal[a >> 1] ^ (a & 1), literal[b >> 1] ^ (b & 1)))
    return [literal[output >> 1] ^ (output & 1) for output in aig.outputs.tolist()]
