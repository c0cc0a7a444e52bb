"""Nodes as gates: what ``ITE(guard, high, low)`` is once constants and equal operands are folded."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wire", "and", "or", "xor", "mux"]


@dataclass(frozen=True)
class Gate:
    """One gate over literals (`bsdgen.bsd.literals`).

    Attributes
    ----------
    kind : ``wire`` passes its one operand on; ``mux`` is ``operands[0] ? operands[1] : operands[2]``, and
        its guard is never complemented; the others have two operands.
    operands : literals; those of ``and``, ``or``, ``xor`` and ``mux`` are no constants.
    """

    kind: Kind
    operands: tuple[int, ...]


def gate(guard: int, high: int, low: int) -> Gate:
    """The gate that a node is; never more than what it reads.

    >>> gate(2, 5, 4), gate(3, 4, 0), gate(2, 2, 6)
    (Gate(kind='xor', operands=(2, 4)), Gate(kind='and', operands=(3, 4)), Gate(kind='or', operands=(2, 6)))
    >>> gate(3, 4, 6), gate(2, 4, 4), gate(2, 1, 0)
    (Gate(kind='mux', operands=(2, 6, 4)), Gate(kind='wire', operands=(4,)), Gate(kind='wire', operands=(2,)))
    """
    if guard & 1:
        guard, high, low = guard ^ 1, low, high
    # Inside a branch the guard is known.
    high = 1 ^ (high & 1) if high >> 1 == guard >> 1 else high
    low = low & 1 if low >> 1 == guard >> 1 else low
    if guard == 0 or high == low:
        return Gate("wire", (low,))
    if high <= 1 and low <= 1:
        return Gate("wire", (guard ^ low,))
    if high <= 1:
        return Gate("or", (guard, low)) if high else Gate("and", (guard ^ 1, low))
    if low <= 1:
        return Gate("or", (guard ^ 1, high)) if low else Gate("and", (guard, high))
    if high == low ^ 1:
        return Gate("xor", (guard, low))
    return Gate("mux", (guard, high, low))
