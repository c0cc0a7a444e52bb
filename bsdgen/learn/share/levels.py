"""An ordered decision diagram whose neighbouring variables can be swapped in place.

Bryant, IEEE Trans. Computers 35(8), 1986; complemented edges as in Brace, Rudell and Bryant, DAC 1990; the
swap as in Rudell, ICCAD 1993. Literals are ``2 * node + complement``, node 0 is the constant FALSE, and the
high child is never complemented. Nodes are counted by reference, so that the size after a swap is exact.
"""

from collections.abc import Callable, Iterator, Sequence

_FOREVER = 1 << 60
_PATIENCE, _PATIENCE_AFTER_A_GAIN = 8, 20  # variables in a row that are where they should be


class Levels:
    """Nodes by variable; `order` is the variables from the top down.

    A literal that a method returns is owned by who called it, until it is dropped.
    """

    def __init__(self, order: Sequence[int]) -> None:
        self.order = list(order)
        self.variable = [-1]
        self.high = [0]
        self.low = [0]
        self.work = 0  # nodes that swaps have looked at
        self._references = [_FOREVER]
        self._unique: dict[int, dict[tuple[int, int], int]] = {v: {} for v in order}
        self._free: list[int] = []

    @property
    def size(self) -> int:
        """Nodes."""
        return sum(len(nodes) for nodes in self._unique.values())

    @property
    def n_nodes(self) -> int:
        """Nodes but those that are a variable alone, which other diagrams have for nothing."""
        return self.size - sum((1, 0) in nodes for nodes in self._unique.values())

    def widest_first(self) -> list[int]:
        """The variables, those with the most nodes first, of equal ones the upper first."""
        return sorted(self.order, key=lambda v: -len(self._unique[v]))

    def nodes(self) -> Iterator[tuple[int, int, int, int]]:
        """Node, variable, high and low literal of each, children before parents."""
        for variable in reversed(self.order):
            for (high, low), at in self._unique[variable].items():
                yield at, variable, high, low

    def node(self, variable: int, high: int, low: int) -> int:
        """Literal of ``ITE(variable, high, low)``, whose children are below the variable."""
        if high == low:
            return self.keep(high)
        complement = high & 1
        key = (high ^ complement, low ^ complement)
        at = self._unique[variable].get(key)
        if at is None:
            at = self._new(variable, *key)
        self._references[at] += 1
        return 2 * at ^ complement

    def keep(self, literal: int) -> int:
        """The literal, owned once more."""
        self._references[literal >> 1] += 1
        return literal

    def drop(self, literal: int) -> None:
        """Give up a literal; what nobody needs any more is taken away."""
        stack = [literal >> 1]
        while stack:
            at = stack.pop()
            self._references[at] -= 1
            if not self._references[at]:
                high, low = self.high[at], self.low[at]
                del self._unique[self.variable[at]][high, low]
                self._free.append(at)
                stack += (high >> 1, low >> 1)

    def cofactor(self, literal: int, variable: int, bit: int) -> int:
        """The function where a variable, which none is above in it, is `bit`; not owned."""
        at = literal >> 1
        if self.variable[at] != variable:
            return literal
        return (self.high[at] if bit else self.low[at]) ^ (literal & 1)

    def swap(self, level: int) -> int:
        """Exchange the variables of two neighbouring levels; by how much the size grows."""
        upper, lower = self.order[level], self.order[level + 1]
        of_upper, of_lower = self._unique[upper], self._unique[lower]
        before = len(of_upper) + len(of_lower)
        self.work += len(of_upper) + 1
        if of_upper and of_lower:
            variable = self.variable
            moved = [
                (key, at)
                for key, at in of_upper.items()
                if variable[key[0] >> 1] == lower or variable[key[1] >> 1] == lower
            ]
            for key, _ in moved:
                del of_upper[key]
            for (high, low), at in moved:
                ones = self.node(upper, self.cofactor(high, lower, 1), self.cofactor(low, lower, 1))
                zeros = self.node(upper, self.cofactor(high, lower, 0), self.cofactor(low, lower, 0))
                variable[at], self.high[at], self.low[at] = lower, ones, zeros
                of_lower[ones, zeros] = at
                self.drop(high)
                self.drop(low)
        self.order[level], self.order[level + 1] = lower, upper
        return len(of_upper) + len(of_lower) - before

    def _new(self, variable: int, high: int, low: int) -> int:
        if self._free:
            at = self._free.pop()
            self.variable[at], self.high[at], self.low[at] = variable, high, low
        else:
            at = len(self.variable)
            self.variable.append(variable)
            self.high.append(high)
            self.low.append(low)
            self._references.append(0)
        self._unique[variable][high, low] = at
        self.keep(high)
        self.keep(low)
        return at


class TooMuchWork(Exception):
    """More pairs of nodes would have to be looked at than may be."""


class Inserter:
    """Makes ``ITE(variable, high, low)`` where the children may depend on variables above.

    Parameters
    ----------
    most_pairs : of nodes that are looked at in all.
    """

    def __init__(self, levels: Levels, most_pairs: int) -> None:
        self.levels = levels
        self._pairs = most_pairs
        self._level = {v: level for level, v in enumerate(levels.order)}
        self._level[-1] = len(levels.order)

    def ite(self, variable: int, high: int, low: int) -> int:
        """The literal, owned; without recursion.

        Raises
        ------
        TooMuchWork
            The levels are of no use any more then.
        """
        levels, level = self.levels, self._level
        made: dict[tuple[int, int], int] = {}
        whole = high, low
        stack = [whole]
        while stack:
            pair = high, low = stack[-1]
            top = min(
                (levels.variable[high >> 1], levels.variable[low >> 1], variable), key=level.__getitem__
            )
            if pair in made:
                stack.pop()
            elif top == variable:
                made[pair] = levels.node(
                    variable, levels.cofactor(high, top, 1), levels.cofactor(low, top, 0)
                )
                self._pairs -= 1
            else:
                halves = [(levels.cofactor(high, top, bit), levels.cofactor(low, top, bit)) for bit in (1, 0)]
                missing = [half for half in halves if half not in made]
                if missing:
                    stack += missing
                else:
                    made[pair] = levels.node(top, made[halves[0]], made[halves[1]])
                    self._pairs -= 1
            if self._pairs < 0:
                raise TooMuchWork
        out = levels.keep(made[whole])
        for literal in made.values():
            levels.drop(literal)
        return out


def sift(
    levels: Levels, most_work: int, growth: float = 1.2, tick: Callable[[], None] = lambda: None
) -> None:
    """Move each variable to the place where the diagram is smallest, those with the most nodes first.

    It ends when enough variables in a row are where they should be: sooner if none has been moved so far, for
    most orders are good as they are.

    Parameters
    ----------
    most_work : nodes that swaps may look at; the variable that is on its way is put to its best place.
    growth : a variable is not moved on when the diagram has grown so much.
    tick : called before each variable; what it raises ends the work.
    """
    in_place, patience = 0, _PATIENCE
    while True:
        before = levels.size
        for variable in levels.widest_first():
            if levels.work >= most_work:
                return
            tick()
            size = levels.size
            _place(levels, variable, growth)
            if levels.size < size:
                in_place, patience = 0, _PATIENCE_AFTER_A_GAIN
            else:
                in_place += 1
            if in_place == patience:
                return
        if levels.size >= before:
            return


def _place(levels: Levels, variable: int, growth: float) -> None:
    """Move one variable to its best place: to the nearer end first, then to the other."""
    at = best_at = levels.order.index(variable)
    size = best = levels.size
    most = growth * size + 2
    last = len(levels.order) - 1
    for step in (1, -1) if at > last // 2 else (-1, 1):
        while 0 <= at + step <= last:
            size += levels.swap(min(at, at + step))
            at += step
            if size < best:
                best, best_at = size, at
            if size > most:
                break
    while at != best_at:
        step = 1 if best_at > at else -1
        levels.swap(min(at, at + step))
        at += step
