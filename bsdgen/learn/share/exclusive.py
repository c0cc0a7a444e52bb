"""Guards that are exclusive ors of two others.

A node that tests x and then, on both sides, y is often one that only asks whether they differ: the carry of a
sum is ``ITE(x ^ y, carry, x)``, a sum bit ``ITE(x ^ y, not carry, carry)``, a comparison ``ITE(x ^ y, y,
rest)``. With the exclusive or as a guard, shared by all of them, a node takes the place of three. In the
terms of functional decomposition: the columns of the two mixed assignments, or of the two equal ones, are
the same (Ashenhurst 1957).
"""

from bsdgen.learn.share.graph import Graph


class ExclusiveGraph(Graph):
    """A graph whose `ite` looks for exclusive ors first; the function is the same."""

    def node(self, literal: int) -> tuple[int, int, int] | None:
        """Guard, high and low of a literal, its complement pushed down; None for a variable or constant."""
        if literal < 2 * self.first:
            return None
        g, h, lo = self.nodes[(literal >> 1) - self.first]
        return g, h ^ (literal & 1), lo ^ (literal & 1)

    def is_known(self, guard: int, high: int, low: int) -> bool:
        """Whether ``ITE(guard, high, low)`` would cost no node."""
        before = len(self.nodes)
        literal = super().ite(guard, high, low)
        if len(self.nodes) == before:
            return True
        del self._unique[self.nodes.pop()]
        self.supports.pop()
        assert literal >> 1 == self.first + before
        return False

    def ite(self, guard: int, high: int, low: int) -> int:
        """Literal of ``ITE(guard, high, low)``."""
        if guard >> 1 == 0 or high == low or guard >> 1 in (high >> 1, low >> 1):
            return super().ite(guard, high, low)
        high, low = self._by_operand(guard, high, low)
        if high == low ^ 1:
            return self.xor(guard, low)
        common = self._common(high, low)
        if common is not None:
            of_high, of_low, shared = common
            return self.xor(shared, self.ite(guard, of_high, of_low))
        found = self._differing(guard, high, low)
        return super().ite(guard, high, low) if found is None else found

    def xor(self, x: int, y: int) -> int:
        """Literal of the exclusive or; of three, the two of smallest support are joined first."""
        operands = [*self._operands(x), *self._operands(y)]
        complement = 0
        count: dict[int, int] = {}
        for literal in operands:
            complement ^= literal & 1
            count[literal & ~1] = count.get(literal & ~1, 0) ^ 1
        left = sorted(
            (literal for literal, odd in count.items() if odd and literal),
            key=lambda literal: (self.support(literal).bit_count(), literal),
        )
        if len(left) > 3:
            left = [x & ~1, y & ~1]
            complement = (x ^ y) & 1
        out = 0
        for literal in left:
            out = Graph.ite(self, literal, out ^ 1, out)
        return out ^ complement

    def _by_operand(self, guard: int, high: int, low: int) -> tuple[int, int]:
        """Where the guard is an exclusive or, its operands are equal on one side, opposite on the other.

        Of the two, the children are made of the one that is a child already.
        """
        operands = self._operands(guard)
        if len(operands) == 2:
            other, child = operands
            if high >> 1 == other >> 1:
                high = child ^ 1 ^ ((high ^ other) & 1)
            if low >> 1 == other >> 1:
                low = child ^ ((low ^ other) & 1)
        return high, low

    def _operands(self, literal: int) -> list[int]:
        """The two operands of an exclusive or (its complement in the first), or the literal itself."""
        node = self.node(literal)
        if node is not None and node[1] == node[2] ^ 1:
            return [node[0], node[2]]
        return [literal]

    def _common(self, high: int, low: int) -> tuple[int, int, int] | None:
        """Both are exclusive ors with one operand in common: what is left of each, and that operand."""
        of_high, of_low = self._operands(high), self._operands(low)
        if len(of_high) < 2 or len(of_low) < 2:
            return None
        for i in (0, 1):
            for j in (0, 1):
                if of_high[i] >> 1 == of_low[j] >> 1:
                    flip = (of_high[i] ^ of_low[j]) & 1
                    return of_high[1 - i], of_low[1 - j] ^ flip, of_high[i]
        return None

    def _differing(self, guard: int, high: int, low: int) -> int | None:
        """The node with guard ``guard ^ y``, if that is all it asks of them and costs at most one node."""
        above, below = self.node(high), self.node(low)
        for y in dict.fromkeys(node[0] for node in (above, below) if node is not None):
            on, off = self._cofactors(high, above, y), self._cofactors(low, below, y)
            if on is None or off is None:
                continue
            (f11, f10), (f01, f00) = on, off
            if f11 == f00 and self.is_known(guard, f10, f01):
                return self._chosen(guard, y, self.ite(guard, f10, f01), f00)
            if f10 == f01 and self.is_known(guard, f11, f00):
                return self._chosen(guard, y, f10, self.ite(guard, f11, f00))
        return None

    def _chosen(self, x: int, y: int, high: int, low: int) -> int:
        if high == low ^ 1:
            return self.xor(self.xor(x, y), low)
        guard = self.xor(x, y)
        return Graph.ite(self, guard, *self._by_operand(guard, high, low))

    @staticmethod
    def _cofactors(literal: int, node: tuple[int, int, int] | None, y: int) -> tuple[int, int] | None:
        """The function where y is 1 and where it is 0, if it tests y first or not at all."""
        if node is not None and node[0] == y:
            return node[1], node[2]
        if literal >> 1 == y >> 1:
            return 1 ^ ((literal ^ y) & 1), (literal ^ y) & 1
        return (literal, literal) if literal >> 1 == 0 else None
