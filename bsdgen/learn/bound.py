"""Function guards: sets of variables that reach the outputs through one bit.

If the outputs depend on a set B of variables only through a function phi(B), every output is ``ITE(phi, f1,
f0)`` where f1 and f0 are the outputs with B fixed to an assignment where phi is 1 or 0: a disjoint
decomposition with two columns (Ashenhurst 1957; Curtis 1962), for all outputs at once. B is speculated from
Boolean differences (flipping any variable of B either does nothing or has one and the same effect on a given
row) and confirmed by putting B's bits of one row into others.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.contexts import Context, Sensitivity
from bsdgen.learn.kernels import delta
from bsdgen.learn.queries import Queries

I64 = NDArray[np.int64]
_LEAST_SET = 3  # smaller sets are left to plain expansion
_LEAST_OUTPUTS = 2  # a set that reaches one output is that output's own business
_LARGE_SET = 8  # sets worth a control split of their own
_INNER_ROWS = 1024  # rows of the set whose partition is compared
_REST_ROWS = 32  # rows of the other variables that each assignment of B is tried with


@dataclass(frozen=True, eq=False)
class Guard:
    """A confirmed set.

    Attributes
    ----------
    mask : (w,) the set B.
    output, phi_mask, phi_value : phi is this output bit inside this cube, which fixes all but B.
    inverted : 1 if phi is the complement of that.
    assignments : (2, w) bits of B where phi is 0 and where it is 1.
    """

    mask: U64
    output: int
    phi_mask: U64
    phi_value: U64
    inverted: int
    assignments: U64

    def holds(self, queries: Queries, bank: U64, context: Context) -> bool:
        """Whether every row's B can be replaced by the assignment that stands for its phi.

        Tried with each row as it is and with `_REST_ROWS` values of all other variables.
        """
        outside = ~self.mask
        forced = (bank & ~context.mask) | context.value
        phi = (queries.ask((forced & self.mask) | self.phi_value)[0][:, self.output >> 6]) >> np.uint64(
            self.output & 63
        )
        chosen = self.assignments[((phi & np.uint64(1)) ^ np.uint64(self.inverted)).astype(np.int64)]
        wanted = np.zeros(queries.w_out, np.uint64)
        for output in context.outputs:
            wanted[output >> 6] |= np.uint64(1) << np.uint64(output & 63)
        rests = forced[:: max(1, forced.shape[0] // _REST_ROWS)][:_REST_ROWS]
        for rest in [forced, *rests[:, None]]:
            true, true_care = queries.ask((forced & self.mask) | (rest & outside))
            said, _ = queries.ask(chosen | (rest & outside))
            if ((true ^ said) & true_care & wanted).any():
                return False
        return True


def find_guard(
    queries: Queries, bank: U64, context: Context, sensitivity: Sensitivity
) -> tuple[Guard | None, int | None]:
    """The largest confirmed set; or a control variable that stands in the way of one; or neither.

    If a set acts through one bit whatever the other variables are, but through another function of it for
    other values of them, the variables that change that function are control variables: the second result.
    """
    if context.outputs.shape[0] < _LEAST_OUTPUTS:
        return None, None
    n_vars = sensitivity.variables.shape[0]
    same, other = np.zeros((n_vars, n_vars), np.int64), np.zeros((n_vars, n_vars), np.int64)
    delta.agreement(sensitivity.differences, same, other)
    for group in _groups(same, other):
        reached = np.bitwise_or.reduce(sensitivity.differences[group], axis=(0, 1))
        if int(np.bitwise_count(reached).sum()) < _LEAST_OUTPUTS:
            continue
        inside = np.zeros(queries.w_in, np.uint64)
        for variable in sensitivity.variables[group]:
            inside[variable >> 6] |= np.uint64(1) << np.uint64(variable & 63)
        guard = _confirm(queries, bank, context, inside, reached)
        if guard is not None:
            return guard, None
        if group.shape[0] >= _LARGE_SET:
            control = _in_the_way(queries, bank, context, inside, reached)
            if control is not None:
                return None, control
    return None, None


def _groups(same: I64, other: I64) -> list[I64]:
    """Candidate sets, largest first: connected by agreement, without disagreement inside."""
    linked = (same > 0) & (other == 0)
    left = np.ones(same.shape[0], np.bool_)
    groups = []
    while left.any():
        seed = int(np.argmax(np.where(left, linked.sum(axis=1), -1)))
        member = np.zeros_like(left)
        member[seed] = True
        while True:
            grown = left & (linked[member].any(axis=0) | member)
            if (grown == member).all():
                break
            member = grown
        while True:
            conflicts = (other > 0)[:, member].sum(axis=1) * member
            if not conflicts.any():
                break
            member[int(np.argmax(conflicts))] = False
        if not member.any():
            member[seed] = True
        left &= ~member
        if member.sum() >= _LEAST_SET:
            groups.append(np.flatnonzero(member))
    return sorted(groups, key=lambda group: -len(group))


def _confirm(queries: Queries, bank: U64, context: Context, inside: U64, reached: U64) -> Guard | None:
    forced = (bank & ~context.mask) | context.value
    for rest in forced[:: max(1, forced.shape[0] // _REST_ROWS)][:_REST_ROWS]:
        values, care = queries.ask((forced & inside) | (rest & ~inside))
        differs = (values ^ values[0]) & care & care[0] & reached
        rows = differs.any(axis=1)
        if rows.any():
            other = int(np.argmax(rows))
            output = next(
                int(o) for o in context.outputs if differs[other, o >> 6] >> np.uint64(o & 63) & np.uint64(1)
            )
            inverted = int(values[0, output >> 6] >> np.uint64(output & 63) & np.uint64(1))
            guard = Guard(
                mask=inside,
                output=output,
                phi_mask=_all_inputs(queries) & ~inside,
                phi_value=rest & ~inside,
                inverted=inverted,
                assignments=np.stack([forced[0] & inside, forced[other] & inside]),
            )
            return guard if guard.holds(queries, bank, context) else None
    return None


def _in_the_way(queries: Queries, bank: U64, context: Context, inside: U64, reached: U64) -> int | None:
    """A variable outside the set whose value decides which function of the set matters.

    For each of some values of the other variables, rows of the set fall into (at most) two columns. Where two
    such partitions differ, the variable that makes the difference is found by bisection between them.
    """
    forced = (bank & ~context.mask) | context.value
    inner = forced[:_INNER_ROWS] & inside
    rests = forced[:: max(1, forced.shape[0] // _REST_ROWS)][:_REST_ROWS]
    parts = [_partition(queries, inner, rest, inside, reached) for rest in rests]
    votes: dict[int, int] = {}
    useful = [i for i, part in enumerate(parts) if part is not None and part.any()]
    for first, second in pairwise(useful):
        one, two = parts[first], parts[second]
        assert one is not None and two is not None
        if (one == two).all():
            continue
        found = _bisect(queries, inner, (rests[first], rests[second]), one, inside, reached)
        if found is not None:
            votes[found] = votes.get(found, 0) + 1
    if not votes:
        return None
    return max(sorted(votes), key=lambda variable: votes[variable])


def _partition(
    queries: Queries, inner: U64, rest: U64, inside: U64, reached: U64
) -> NDArray[np.bool_] | None:
    """Which rows act otherwise than the first; None if there are more than two columns."""
    values, care = queries.ask(inner | (rest & ~inside))
    differs = ((values ^ values[0]) & care & care[0] & reached).any(axis=1)
    if differs.any():
        other = int(np.argmax(differs))
        beside = ((values ^ values[other]) & care & care[other] & reached).any(axis=1)
        if (differs & beside).any():
            return None
    return np.asarray(differs)


def _bisect(
    queries: Queries, inner: U64, ends: tuple[U64, U64], first: NDArray[np.bool_], inside: U64, reached: U64
) -> int | None:
    differ = np.unpackbits(((ends[0] ^ ends[1]) & ~inside).view(np.uint8), bitorder="little")
    variables = np.flatnonzero(differ)
    low, high = 0, variables.shape[0]
    while high - low > 1:
        middle = (low + high) // 2
        row = ends[0].copy()
        for variable in variables[:middle]:
            row[variable >> 6] ^= np.uint64(1) << np.uint64(variable & 63)
        part = _partition(queries, inner, row, inside, reached)
        if part is None:
            return None
        low, high = (middle, high) if (part == first).all() else (low, middle)
    return int(variables[low]) if variables.shape[0] else None


def _all_inputs(queries: Queries) -> U64:
    full = np.full(queries.w_in, np.uint64(0xFFFFFFFFFFFFFFFF))
    spare = queries.w_in * 64 - queries.n_inputs
    if spare:
        full[-1] >>= np.uint64(spare)
    return full
