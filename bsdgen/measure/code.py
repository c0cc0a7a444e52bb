"""A diagram as straight-line code that evaluates 2,048 assignments at a time, bit-parallel.

Each value is a *plane*: 2,048 bits, 64 lanes of 32, one bit an assignment. An operation makes one plane from
three with vector instructions that the compiler finds in the lanes; there is one operation a node that an
output needs. Complements are moved to where they cost nothing, and a plane's place is used again when nothing
reads it any more, so that the planes of one step stay in the processor's caches.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32

U32 = NDArray[np.uint32]

LANES = 64
"""Words of 32 bits in a plane: half as many cost a third more, twice as many bring little."""

BATCH = 32 * LANES
"""Assignments evaluated at a time. Assignment ``LANES * k + l`` is bit k of lane l."""


@dataclass(frozen=True, eq=False)
class Code:
    """Straight-line code.

    Attributes
    ----------
    n_inputs : inputs; plane ``1 + v`` holds input v when it starts, plane 0 is FALSE.
    n_planes : planes that it needs.
    operations : int32, shape (n_operations, 5)
        Target, guard, low, high (planes), and 1 where ``low ^ high`` is complemented: the target becomes
        ``low ^ (guard & (low ^ high ^ complement))``.
    outputs : int32, shape (n_outputs, 2)
        Plane of each output, and 1 where it is complemented.
    """

    n_inputs: int
    n_planes: int
    operations: I32 = field(repr=False)
    outputs: I32 = field(repr=False)


def _used(bsd: Bsd) -> NDArray[np.bool_]:
    first = 1 + bsd.n_inputs
    used = np.zeros(first + bsd.n_nodes, np.bool_)
    used[bsd.roots >> 1] = True
    for i in range(bsd.n_nodes - 1, -1, -1):
        if used[first + i]:
            for literals in (bsd.guard, bsd.low, bsd.high):
                used[literals[i] >> 1] = True
    return used


def compile_diagram(bsd: Bsd) -> Code:
    """Make code of a diagram; linear in its nodes.

    Examples
    --------
    >>> import numpy as np
    >>> guard, low, high, roots = (np.array([literal], np.int32) for literal in (2, 4, 5, 6))
    >>> compile_diagram(Bsd(2, guard, low, high, roots))  # exclusive or of two variables
    Code(n_inputs=2, n_planes=4)
    """
    first = 1 + bsd.n_inputs
    wanted = np.flatnonzero(_used(bsd)[first:])
    last_use = np.full(first + bsd.n_nodes, -1, np.int64)
    for i in wanted:
        for literals in (bsd.guard, bsd.low, bsd.high):
            last_use[literals[i] >> 1] = i
    last_use[bsd.roots >> 1] = bsd.n_nodes  # outputs stay to the end
    plane = np.arange(first + bsd.n_nodes)
    flipped = np.zeros(first + bsd.n_nodes, np.int64)
    free: list[int] = []
    n_planes = first
    operations = np.zeros((wanted.shape[0], 5), np.int32)
    for row, node in enumerate(wanted.tolist()):
        guard, low, high = (int(literals[node]) for literals in (bsd.guard, bsd.low, bsd.high))
        sign_of = [(literal & 1) ^ int(flipped[literal >> 1]) for literal in (guard, low, high)]
        if sign_of[0]:
            low, high = high, low
            sign_of[1], sign_of[2] = sign_of[2], sign_of[1]
        # Not where a fanin stands, even if this is its last use: the compiler's loop needs them apart.
        if free:
            target = free.pop()
        else:
            target, n_planes = n_planes, n_planes + 1
        fanins = {literal >> 1 for literal in (guard, low, high)}
        free += [int(plane[index]) for index in fanins if index >= first and last_use[index] == node]
        # low ^ s ^ (guard & (low ^ high ^ s ^ t)): the complement s of low is left to those who read it.
        operations[row] = target, *(plane[x >> 1] for x in (guard, low, high)), sign_of[1] ^ sign_of[2]
        plane[first + node], flipped[first + node] = target, sign_of[1]
    roots = bsd.roots >> 1
    outputs = np.stack([plane[roots], (bsd.roots & 1) ^ flipped[roots]], axis=1).astype(np.int32)
    return Code(bsd.n_inputs, n_planes, operations, outputs)


@njit(cache=True, nogil=True)
def run_code(operations: I32, planes: U32) -> None:  # pragma: no cover - compiled
    """Run all operations on `planes`: uint32, shape (n_planes, LANES)."""
    for row in range(operations.shape[0]):
        # Unsigned positions and views of one plane each: what lets the loop become vector instructions.
        target = planes[np.uint32(operations[row, 0])]
        guard = planes[np.uint32(operations[row, 1])]
        low = planes[np.uint32(operations[row, 2])]
        high = planes[np.uint32(operations[row, 3])]
        flip = np.uint32(0) - np.uint32(operations[row, 4])
        for lane in range(LANES):
            target[lane] = low[lane] ^ (guard[lane] & (low[lane] ^ high[lane] ^ flip))


@njit(cache=True, nogil=True)
def transpose(block: U32) -> None:  # pragma: no cover - compiled
    """Transpose 32 x 32 bits of every lane in place (Warren, Hacker's Delight, 7-3).

    Turns `BATCH` words (uint32, shape (32, LANES)) into 32 planes and back.
    """
    shift = 16
    mask = np.uint32(0x0000FFFF)
    while shift:
        amount = np.uint32(shift)
        k = 0
        while k < 32:
            first = block[np.uint32(k)]
            second = block[np.uint32(k + shift)]
            for lane in range(LANES):
                swapped = ((first[lane] >> amount) ^ second[lane]) & mask
                first[lane] ^= swapped << amount
                second[lane] ^= swapped
            k = (k + shift + 1) & ~shift
        shift >>= 1
        mask ^= mask << np.uint32(shift)
