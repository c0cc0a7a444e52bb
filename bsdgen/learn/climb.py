"""Rows on which much matters: a random search uphill.

Carries run far, and words are equal on a long prefix, on one row in millions; nothing but fields, orders and
polarities would tell on which. But on such rows a flip of almost any bit changes something, and every step
towards them makes more flips matter: a run of ones that grows by one carries one more bit's flip to its end.
So rows are changed bit by bit, and a change is kept unless fewer flips matter after it (the sensitivity at a
row: Cook, Dwork, Reischuk, SIAM J. Comput. 15, 1986). Inverted or reordered bits make no difference to this.
"""

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.kernels import climb as kernel
from bsdgen.learn.queries import Queries

_CLIMBERS = 32
_QUARTIC = 2_000_000  # inputs to the fourth power for one climber: small functions take little to learn
_FEW_INPUTS = 12  # so few that uniform rows show everything
_STEPS_PER_INPUT = 8  # each bit of a row is tried about so many times, with fewer than
_MANY_INPUTS = 128  # so many inputs in proportion fewer times
_MOST_ROWS = 1 << 26  # asked in all, about
_NOTES = 8  # how often each climber's row is noted on its way


def n_climbers(queries: Queries) -> int:
    """Rows that are changed side by side: more for more inputs, but with all flips one call's rows."""
    if queries.n_inputs < _FEW_INPUTS or not queries.n_outputs:
        return 0
    n = queries.n_inputs
    return int(min(_CLIMBERS, -(-(n**4) // _QUARTIC), queries.batch_rows // (1 + n)))


def climb(queries: Queries, start: U64, rng: np.random.Generator) -> U64:
    """Rows from `start` (c, w) upwards: (8 c, w), those on the way and those at the end.

    Every second climber counts what flips change of one output, the others what they change of all. About
    ``8 c n (n + 1)`` rows are asked for n inputs, in proportion fewer for less than 128 inputs, but not many
    more than 2^26.
    """
    n, c, rows = queries.n_inputs, start.shape[0], start.copy()
    if not c:
        return rows
    wanted = np.full((c, queries.w_out), np.uint64(0xFFFFFFFFFFFFFFFF))
    alone = np.arange(1, c, 2)
    output = rng.integers(queries.n_outputs, size=alone.shape[0])
    wanted[alone] = 0
    wanted[alone, output >> 6] = np.uint64(1) << (output & 63).astype(np.uint64)
    wish = _STEPS_PER_INPUT * n * min(n, _MANY_INPUTS) // _MANY_INPUTS
    steps = max(_NOTES, min(wish, _MOST_ROWS // (c * (n + 1))))
    buffer = np.empty((c * (n + 1), queries.w_in), np.uint64)
    best = np.full(c, -1, np.int64)
    flips = np.full((steps, c), -1, np.int64)
    flips[1:] = rng.integers(0, n, (steps - 1, c))
    noted = []
    for step in range(steps):
        kernel.neighbours(rows, flips[step], n, buffer)
        kernel.keep_better(queries.ask(buffer)[0], wanted, buffer, rows, best)
        if (step + 1) * _NOTES // steps != step * _NOTES // steps:
            noted.append(rows.copy())
    return np.concatenate(noted)
