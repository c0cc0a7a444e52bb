"""Boolean distance: how much two functions of a diagram have in common.

``Dist(f, g) = C(f) + C(g) - C(f, g)``, where C is the number of nodes of the reduced diagram of its arguments
together (Enlightenment-1, arXiv 2306.12456). It is the number of nodes that both share, so a *large* value
means that building them together saves much. It depends on the variable order and on everything else that
made the diagram: it tells what this diagram shares, not what some diagram could.

As a share of the smaller cone (`Distances.overlap`) it compares functions of different size: 0 where they
have nothing in common, 1 where one is a part of the other.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.diagram import Bsd
from bsdgen.bsd.literals import I32

I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _reaching(guard: I32, low: I32, high: I32, first: int, reach: U64) -> None:  # pragma: no cover - compiled
    """Pass down, from parents to children, which roots reach them: reach (index, words)."""
    for i in range(guard.shape[0] - 1, -1, -1):
        for word in range(reach.shape[1]):
            mine = reach[first + i, word]
            reach[guard[i] >> 1, word] |= mine
            reach[low[i] >> 1, word] |= mine
            reach[high[i] >> 1, word] |= mine


@njit(cache=True, nogil=True)
def _shared(reach: U64, shared: I64) -> None:  # pragma: no cover - compiled
    """Count, for each pair of roots, the rows of reach (n, words) that both have: shared (r, r)."""
    members = np.empty(shared.shape[0], np.int64)
    for row in range(reach.shape[0]):
        n = 0
        for word in range(reach.shape[1]):
            left = reach[row, word]
            bit = word * 64
            while left:
                if left & np.uint64(1):
                    members[n] = bit
                    n += 1
                left >>= np.uint64(1)
                bit += 1
        for i in range(n):
            for j in range(n):
                shared[members[i], members[j]] += 1


@dataclass(frozen=True, eq=False)
class Distances:
    """Cones of some functions and what they share.

    Attributes
    ----------
    size : int64, shape (r,)
        Nodes in the cone of each function: C(f).
    shared : int64, shape (r, r)
        Nodes that both cones have: Dist(f, g); the diagonal is `size`.
    """

    size: I64
    shared: I64

    def together(self) -> I64:
        """Nodes of each pair's common diagram, C(f, g): int64, shape (r, r)."""
        both: I64 = self.size[:, None] + self.size[None] - self.shared
        return both

    def overlap(self) -> NDArray[np.float64]:
        """Shared nodes as a share of the smaller cone: shape (r, r), 0 to 1; 0 where a cone is empty."""
        smaller = np.minimum(self.size[:, None], self.size[None])
        share: NDArray[np.float64] = self.shared / np.maximum(smaller, 1)
        return share

    def pairs(self, n: int, least: int = 1, closest: bool = True) -> list[tuple[int, int]]:
        """Pairs of functions with the largest, or smallest, overlap; larger cones first among equals.

        Parameters
        ----------
        n : how many.
        least : nodes that a cone must have to count.
        closest : the largest overlap first; otherwise the smallest.
        """
        wanted = np.flatnonzero(self.size >= least)
        i, j = np.triu_indices(wanted.shape[0], 1)
        first, second = wanted[i], wanted[j]
        overlap = self.overlap()[first, second]
        smaller = np.minimum(self.size[first], self.size[second])
        order = np.lexsort((second, first, -smaller, -overlap if closest else overlap))[:n]
        return [(int(first[k]), int(second[k])) for k in order]


def distances(bsd: Bsd, roots: I32 | None = None) -> Distances:
    """Distances between all outputs, or between some literals of a diagram.

    Linear in nodes times the square of the outputs that reach a node: 0.1 s for 4,000 nodes and 152 outputs.

    Parameters
    ----------
    bsd : the diagram; a complement counts as the function itself, variables and constants as no node.
    roots : int32 literals, shape (r,); the outputs if absent.

    Examples
    --------
    Sum and carry of two bits: an exclusive or and an AND share no node, and an output shares all with itself.

    >>> from bsdgen.bsd import Builder
    >>> b = Builder(2)
    >>> sum_ = b.ite(b.variable(0), b.variable(1) ^ 1, b.variable(1))
    >>> carry = b.ite(b.variable(0), b.variable(1), 0)
    >>> distances(b.build([sum_, carry, sum_ ^ 1])[0]).shared.tolist()
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    """
    literals = bsd.roots if roots is None else roots
    reach = reaching(bsd, literals)[1 + bsd.n_inputs :]
    shared = np.zeros((literals.shape[0], literals.shape[0]), np.int64)
    _shared(reach, shared)
    return Distances(np.diagonal(shared).copy(), shared)


def reaching(bsd: Bsd, roots: I32) -> U64:
    """Which of some literals depend on each index: uint64, shape (1 + n_inputs + n_nodes, ceil(r / 64)).

    Bit r % 64 of word r // 64 is set where root r has the index in its cone.
    """
    first, n_roots = 1 + bsd.n_inputs, roots.shape[0]
    reach = np.zeros((first + bsd.n_nodes, max(1, -(-n_roots // 64))), np.uint64)
    for root, literal in enumerate(roots.tolist()):
        reach[literal >> 1, root >> 6] |= np.uint64(1) << np.uint64(root & 63)
    _reaching(bsd.guard, bsd.low, bsd.high, first, reach)
    return reach
