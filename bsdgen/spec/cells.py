"""Cells: parts of the input space that together are all of it, one an instruction and one for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from bsdgen.circuit.aig import AigBuilder

Cube = tuple[tuple[int, bool], ...]
"""Input variables and the values that they have."""


@dataclass(frozen=True)
class Cell:
    """A set of input assignments: those of a cube, except those of some, or else only those of some.

    Attributes
    ----------
    name : for tables: an instruction's, say.
    cube : every assignment of the cell is in this one.
    without : no assignment of the cell is in any of these.
    within : every assignment is in at least one of these; None: no such condition.
    """

    name: str
    cube: Cube = ()
    without: tuple[Cube, ...] = ()
    within: tuple[Cube, ...] | None = None

    def variables(self, n_inputs: int) -> list[int]:
        """Literals that stand for the inputs of a graph inside the cell's cube: variables and constants.

        Examples
        --------
        >>> Cell("b is 1", ((1, True),)).variables(3)
        [2, 1, 6]
        """
        literals = [2 * (v + 1) for v in range(n_inputs)]
        for variable, value in self.cube:
            literals[variable] = int(value)
        return literals

    def condition(self, builder: AigBuilder, variables: Sequence[int]) -> int:
        """Literal that says of an assignment of the cube whether it is in the cell."""
        inside = 1
        for cube in self.without:
            inside = builder.and_(inside, _match(builder, cube, variables) ^ 1)
        if self.within is not None:
            some = 0
            for cube in self.within:
                some = builder.or_(some, _match(builder, cube, variables))
            inside = builder.and_(inside, some)
        return inside

    def within_cube(self, more: Cube, shift: int = 0) -> "Cell":
        """The same cell over other inputs: its variables moved up by `shift`, and `more` fixed besides."""
        moved = [_moved(cube, shift) for cube in self.without]
        within = None if self.within is None else tuple(_moved(cube, shift) for cube in self.within)
        return Cell(self.name, (*_moved(self.cube, shift), *more), tuple(moved), within)


def _moved(cube: Cube, shift: int) -> Cube:
    return tuple((variable + shift, value) for variable, value in cube)


def _match(builder: AigBuilder, cube: Cube, variables: Sequence[int]) -> int:
    literal = 1
    for variable, value in cube:
        literal = builder.and_(literal, variables[variable] ^ (not value))
    return literal


def masked_cube(mask: int, match: int) -> Cube:
    """Cube of the words `w` with ``w & mask == match``; bit 0 of the word is variable 0.

    >>> masked_cube(0b101, 0b100)
    ((0, False), (2, True))
    """
    return tuple((bit, bool(match >> bit & 1)) for bit in range(mask.bit_length()) if mask >> bit & 1)
