"""Products of a two-level table, and the rows that they stand for.

A row of such a table is a cube of assignments, and says of each output that the cube is of its ON-set, of its
OFF-set, of its don't-care set, or nothing. What an assignment gives follows from all cubes that hold it and
from which sets the table lists (its *type*: f the ON-set, r the OFF-set, d the don't-care set):

=========  ==========================================================================================
f, fd      1 in the ON-set, not cared in the don't-care set, 0 everywhere else
r, dr      0 in the OFF-set, not cared in the don't-care set, 1 everywhere else
fr, fdr    1 in the ON-set, 0 in the OFF-set, not cared in the don't-care set and everywhere else
=========  ==========================================================================================

An assignment in the don't-care set is not cared whatever other sets hold it, as in espresso (espresso(5); it
takes the complement of both as the OFF-set, and what it covers in the don't-care set is free). One in both
ON-set and OFF-set contradicts itself, which espresso(5) calls an error: it becomes two rows, which readers of
traces count as a contradiction.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.traces.index import RowIndex, distinct_rows

ALL_INPUTS = 20  # inputs up to which all assignments are looked at
MOST_ROWS = 1 << 20  # assignments in the cubes that are looked at; never fewer than one a cube
N_UNIFORM = 1 << 16  # assignments drawn from all, where what no cube holds means something
N_NEAR = 1 << 16  # assignments that are drawn one literal away from a cube, likewise
_MOST_WORDS = 1 << 23  # of packed inputs: wide tables get fewer rows
_GROUP = 16  # cubes of the same variables that are looked up instead of tried one after the other
_TAG = 0x636F7665
_WEIGHT = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Cover:
    """A table of cubes.

    Attributes
    ----------
    n_inputs, n_outputs : bits.
    sets : letters of the sets that it lists: "f", "r", "fd", "fr", "dr" or "fdr".
    mask, value : uint64, shape (n, words)
        Literals of each cube, packed: variables that it fixes, and to what (0 where it fixes none).
    on, off, dc : uint64, shape (n, words)
        Outputs of which the cube is in this set, packed; a set that is not listed is empty.
    """

    n_inputs: int
    n_outputs: int
    sets: str
    mask: U64
    value: U64
    on: U64
    off: U64
    dc: U64

    @property
    def total(self) -> bool:
        """Whether assignments in no cube mean something."""
        return not ("f" in self.sets and "r" in self.sets)

    def of(self, points: U64) -> tuple[U64, U64, U64]:
        """Sets that each assignment is in: ON, OFF, don't care, by the cubes alone.

        Parameters
        ----------
        points : uint64, shape (n, words), packed assignments.

        Returns
        -------
        on, off, dc : uint64, shape (n, words)
        """
        found = np.zeros((points.shape[0], 3 * self.on.shape[1]), np.uint64)
        sets = np.concatenate([self.on, self.off, self.dc], axis=1)
        variables, group = np.unique(self.mask, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(group.ravel(), minlength=variables.shape[0]))
        few: list[NDArray[np.intp]] = []
        for at, last in enumerate(ends):
            members = order[(ends[at - 1] if at else 0) : last]
            if members.size < _GROUP:
                few.append(members)
                continue
            values, merged = _merged(self.value[members], sets[members])
            place = RowIndex(values).find(points & variables[at])
            found[place >= 0] |= merged[place[place >= 0]]
        if few:
            rest = np.concatenate(few)
            _add_cubes(points, self.mask[rest], self.value[rest], sets[rest], found)
        words = self.on.shape[1]
        return found[:, :words], found[:, words : 2 * words], found[:, 2 * words :]


def _merged(values: U64, sets: U64) -> tuple[U64, U64]:
    """Distinct rows of `values`, and what all rows that are equal have in `sets` together."""
    distinct, which = np.unique(values, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    starts = np.searchsorted(which.ravel()[order], np.arange(distinct.shape[0]))
    return distinct, np.bitwise_or.reduceat(sets[order], starts, axis=0)


@njit(cache=True, nogil=True)
def _add_cubes(
    points: U64, mask: U64, value: U64, sets: U64, found: U64
) -> None:  # pragma: no cover - compiled
    for point in range(points.shape[0]):
        for cube in range(mask.shape[0]):
            inside = True
            for word in range(points.shape[1]):
                if (points[point, word] & mask[cube, word]) != value[cube, word]:
                    inside = False
                    break
            if inside:
                for word in range(sets.shape[1]):
                    found[point, word] |= sets[cube, word]


def rows_of(cover: Cover, seed: int = 0) -> tuple[U64, U64, U64, dict[str, Any]]:
    """Rows that a table stands for.

    Where all cubes are single assignments and the ON-set and OFF-set are listed alone, they are the rows of
    the table as they stand. Else they are evaluated on the whole table, and are, each once:

    - all assignments, where the table has at most `ALL_INPUTS` inputs and speaks of all of them, or its cubes
      hold more than there are;
    - else all in the cubes, where these hold at most `MOST_ROWS` together; else as many of each, up to a
      number that makes `MOST_ROWS` of all, drawn from it where it holds more;
    - and, where what no cube holds means something, `N_UNIFORM` drawn from all assignments, and `N_NEAR` that
      are in a cube but for one literal.

    Rows of more than 8 words of inputs are fewer, so that they take 64 MiB. Rows that care for nothing are
    left out.

    Returns
    -------
    inputs, outputs, care : uint64, shape (n, words)
    how : provenance: `points` says in words which assignments these are, `seed` what they were drawn with
        (null: nothing was drawn).
    """
    if not cover.total and not cover.dc.any() and (cover.mask == _ones(cover.n_inputs)).all():
        care = cover.on | cover.off
        there = care.any(axis=1)
        how: dict[str, Any] = {"points": "the rows as they stand", "seed": None}
        return cover.value[there], cover.on[there], care[there], how
    points, words, drawn = _points(cover, np.random.default_rng([_TAG, seed]))
    on, off, dc = cover.of(points)
    care = _ones(cover.n_outputs) & ~dc
    twice = on & off & care  # nowhere in a table that lists one of them alone
    if not cover.total:
        care &= on | off
    elif "r" in cover.sets:
        on = ~off
    on &= care
    both = np.flatnonzero(twice.any(axis=1))
    keep = np.flatnonzero(care.any(axis=1))
    how = {"points": words, "seed": seed if drawn else None}
    none = np.zeros_like(on[both])
    return (
        np.concatenate([points[keep], points[both]]),
        np.concatenate([on[keep], none]),
        np.concatenate([care[keep], twice[both]]),
        how,
    )


def _ones(n_bits: int) -> U64:
    """A packed row of ones."""
    row = np.full(n_words(n_bits), ~np.uint64(0))
    if n_bits % 64:
        row[-1] = np.uint64((1 << n_bits % 64) - 1)
    return row


def _weights(packed: U64) -> NDArray[np.int64]:
    """Ones in each row."""
    ones: NDArray[np.int64] = _WEIGHT[packed.view(np.uint8)].sum(axis=1, dtype=np.int64)
    return ones


def _points(cover: Cover, rng: np.random.Generator) -> tuple[U64, str, bool]:
    """Distinct assignments to look at, which they are in words, and whether any was drawn."""
    n = cover.n_inputs
    most = min(MOST_ROWS, _MOST_WORDS // n_words(n))
    free = n - _weights(cover.mask)
    held = float(np.exp2(np.minimum(free, 1000)).sum())
    if n <= ALL_INPUTS and (cover.total or held > most):
        return np.arange(1 << n, dtype=np.uint64)[:, None], "all assignments", False
    share = _share(free, most)
    drawn = bool((free > share).any())
    parts = _inside(cover, free, share, rng)
    words = "all assignments in the cubes"
    if drawn:
        words = f"assignments in the cubes, all or {1 << share:,} drawn of each"
    if cover.total:
        parts += [_random(N_UNIFORM, n, rng), _near(cover, rng)]
        words += f", {N_UNIFORM:,} drawn of all, {N_NEAR:,} next to the cubes"
    points = np.concatenate(parts)
    nothing = np.zeros((points.shape[0], 0), np.uint64)
    return distinct_rows(points, nothing, nothing)[0], words, drawn or cover.total


def _share(free: NDArray[np.int64], most: int) -> int:
    """The largest s so that 2**s assignments of each cube, or all that it holds, are at most `most`; or 0."""
    share = 0
    while share < 40 and np.exp2(np.minimum(free, share + 1)).sum() <= most:
        share += 1
    return share


def _random(n: int, n_bits: int, rng: np.random.Generator) -> U64:
    return rng.integers(0, 2**64, (n, n_words(n_bits)), np.uint64) & _ones(n_bits)


def _inside(cover: Cover, free: NDArray[np.int64], share: int, rng: np.random.Generator) -> list[U64]:
    """Assignments in the cubes: of each all, where it has at most `share` free variables, else drawn ones."""
    parts = []
    for count in np.unique(np.minimum(free, share + 1)):
        cubes = np.flatnonzero(np.minimum(free, share + 1) == count)
        if count <= share:
            parts.append(_expanded(cover, cubes, int(count)))
        else:
            chosen = np.repeat(cubes, 1 << share)
            some = _random(chosen.size, cover.n_inputs, rng)
            parts.append(some & ~cover.mask[chosen] | cover.value[chosen])
    return parts


def _expanded(cover: Cover, cubes: NDArray[np.intp], count: int) -> U64:
    """All assignments in cubes that have `count` free variables each."""
    words = cover.mask.shape[1]
    points = np.repeat(cover.value[cubes][:, None, :], 1 << count, axis=1)
    numbers = np.arange(1 << count, dtype=np.uint64)
    left = ~cover.mask[cubes] & _ones(cover.n_inputs)
    rows = np.arange(cubes.size)
    for bit in range(count):
        word = np.argmax(left != 0, axis=1)
        lowest = left[rows, word] & (~left[rows, word] + np.uint64(1))
        left[rows, word] ^= lowest
        points[rows, :, word] |= (numbers >> np.uint64(bit) & np.uint64(1))[None, :] * lowest[:, None]
    return points.reshape(-1, words)


def _near(cover: Cover, rng: np.random.Generator) -> U64:
    """Assignments in a drawn cube but for one drawn literal; a cube without literals has none near it."""
    fixed = _weights(cover.mask)
    there = np.flatnonzero(fixed)
    if not there.size:
        return np.zeros((0, cover.mask.shape[1]), np.uint64)
    chosen = there[rng.integers(0, there.size, N_NEAR)]
    left = cover.mask[chosen]
    number = rng.integers(0, fixed[chosen])  # the literal's, from the lowest
    rows = np.arange(N_NEAR)
    # Lowest literals are taken away, of fewer and fewer rows, until the drawn one is the lowest.
    while (more := rows[number > 0]).size:
        word = np.argmax(left[more] != 0, axis=1)
        left[more, word] &= left[more, word] - np.uint64(1)
        number[more] -= 1
    word = np.argmax(left != 0, axis=1)
    flip = np.zeros_like(left)
    flip[rows, word] = left[rows, word] & (~left[rows, word] + np.uint64(1))
    points = _random(N_NEAR, cover.n_inputs, rng) & ~cover.mask[chosen] | cover.value[chosen]
    return points ^ flip
