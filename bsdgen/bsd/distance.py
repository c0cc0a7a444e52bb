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

from bsdgen.bits import U64, n_words, to_bool
from bsdgen.bsd.diagram import Bsd
from bsdgen.bsd.literals import I32

I64 = NDArray[np.int64]
_CHUNK = 1 << 14  # nodes counted together


@njit(cache=True, nogil=True)
def _reaching(guard: I32, low: I32, high: I32, first: int, reach: U64) -> None:  # pragma: no cover - compiled
    """Pass down, from parents to children, which roots reach them: reach (index, words)."""
    for i in range(guard.shape[0] - 1, -1, -1):
        for word in range(reach.shape[1]):
            mine = reach[first + i, word]
            reach[guard[i] >> 1, word] |= mine
            reach[low[i] >> 1, word] |= mine
            reach[high[i] >> 1, word] |= mine


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


def distances(bsd: Bsd, roots: I32 | None = None, group: I64 | None = None) -> Distances:
    """Distances between all outputs, between some literals of a diagram, or between groups of them.

    Parameters
    ----------
    bsd : the diagram; a complement counts as the function itself, variables and constants as no node.
    roots : int32 literals, shape (r,); the outputs if absent.
    group : int64, shape (r,); literals of one group count as one function of several bits.

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
    n_groups = literals.shape[0] if group is None else int(group.max(initial=-1)) + 1
    reach = reaching(bsd, literals, group)[1 + bsd.n_inputs :]
    shared = np.zeros((n_groups, n_groups), np.int64)
    for start in range(0, reach.shape[0], _CHUNK):
        member = to_bool(reach[start : start + _CHUNK], n_groups).astype(np.float32)  # counts stay exact
        shared += (member.T @ member).astype(np.int64)
    return Distances(np.diagonal(shared).copy(), shared)


def reaching(bsd: Bsd, roots: I32, group: I64 | None = None) -> U64:
    """Which of some literals, or groups of them, depend on each index.

    Returns
    -------
    uint64, shape (1 + n_inputs + n_nodes, words); packed (`bsdgen.bits`), a bit a literal or group.
    """
    first, owner = 1 + bsd.n_inputs, np.arange(roots.shape[0]) if group is None else group
    reach = np.zeros((first + bsd.n_nodes, max(1, n_words(int(owner.max(initial=-1)) + 1))), np.uint64)
    bits = np.uint64(1) << (owner & 63).astype(np.uint64)
    np.bitwise_or.at(reach, (roots >> 1, owner >> 6), bits)
    _reaching(bsd.guard, bsd.low, bsd.high, first, reach)
    return reach
