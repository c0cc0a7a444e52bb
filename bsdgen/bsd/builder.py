"""Building a diagram bottom up: reduced, hash-consed, with complement edges."""

import numpy as np

from bsdgen.bsd.diagram import Bsd


class Builder:
    """Collects nodes and shares equal ones.

    Literals are those of `bsdgen.bsd.diagram`. `ite` applies the usual rules (Brace, Rudell, Bryant, DAC
    1990): no node with equal children, high edge and guard never complemented.

    Examples
    --------
    >>> b = Builder(2)
    >>> f = b.ite(b.variable(0), b.variable(1), 0)
    >>> b.ite(b.variable(0), b.variable(1), 0) == f, b.ite(f, 1, 0) == f, b.ite(f, 0, 1) == f ^ 1
    (True, True, True)
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self._nodes: list[tuple[int, int, int]] = []
        self._unique: dict[tuple[int, int, int], int] = {}

    def variable(self, v: int) -> int:
        """Literal of input variable v."""
        return 2 * (v + 1)

    def ite(self, guard: int, high: int, low: int) -> int:
        """Literal of ``ITE(guard, high, low)``."""
        if guard & 1:
            guard, high, low = guard ^ 1, low, high
        if guard == 0:
            return low
        if high == low:
            return high
        if high >> 1 == guard >> 1:
            high = 1 ^ (high & 1)
        if low >> 1 == guard >> 1:
            low = low & 1
        if high == low:
            return high
        if (high, low) == (1, 0):
            return guard
        if (high, low) == (0, 1):
            return guard ^ 1
        complement = high & 1
        key = (guard, high ^ complement, low ^ complement)
        at = self._unique.get(key)
        if at is None:
            at = 1 + self.n_inputs + len(self._nodes)
            self._nodes.append(key)
            self._unique[key] = at
        return 2 * at ^ complement

    def build(self, roots: list[int]) -> tuple[Bsd, dict[int, int]]:
        """The diagram of what `roots` reach, and its index by the builder's."""
        needed = np.zeros(1 + self.n_inputs + len(self._nodes), np.bool_)
        for root in roots:
            needed[root >> 1] = True
        first = 1 + self.n_inputs
        for i in range(len(self._nodes) - 1, -1, -1):
            if needed[first + i]:
                for literal in self._nodes[i]:
                    needed[literal >> 1] = True
        index = {i: i for i in range(first)}
        kept: list[list[int]] = []
        for i, node in enumerate(self._nodes):
            if needed[first + i]:
                index[first + i] = first + len(kept)
                kept.append([2 * index[literal >> 1] ^ (literal & 1) for literal in node])
        table = np.array(kept, np.int32).reshape(-1, 3)
        literals = np.array([2 * index[root >> 1] ^ (root & 1) for root in roots], np.int32)
        bsd = Bsd(
            self.n_inputs,
            guard=np.ascontiguousarray(table[:, 0]),
            high=np.ascontiguousarray(table[:, 1]),
            low=np.ascontiguousarray(table[:, 2]),
            roots=literals,
        )
        return bsd, index
