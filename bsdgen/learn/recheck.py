"""Asking the oracle again: every claim of a ledger on fresh rows, or on all rows where they are few."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, n_words, to_bool
from bsdgen.bsd import Bsd
from bsdgen.bsd.literals import I32
from bsdgen.learn.ledger import Kind, Ledger, Status
from bsdgen.learn.samples import RowSource
from bsdgen.oracle.protocol import Oracle

_BATCH = 1 << 17  # rows asked together
MOST_FREE = 10  # a claim about a cube with at most so many free variables is tried on all its rows


@dataclass(frozen=True, eq=False)
class Rechecked:
    """What asking again found.

    Attributes
    ----------
    ledger : with new statuses and counts; a claim whose cube was tried completely is proved (for an oracle
        that is a function), one that a row contradicts is refuted, with that row as its witness.
    n_rows : rows asked.
    refuted : int32 positions of the claims that held before.
    n_without_node : claims that no row was asked about, since no node of the diagram is their function any
        more: it was shared, or is part of what was.
    """

    ledger: Ledger
    n_rows: int
    refuted: I32
    n_without_node: int


def recheck(
    ledger: Ledger, bsd: Bsd, oracle: Oracle, n: int, seed: int, recorded: U64 | None = None
) -> Rechecked:
    """Test every claim that the diagram makes on `n` fresh rows of its own.

    Claims that were given up in learning are left as they are, and so are those that are about no node.

    Parameters
    ----------
    ledger, bsd : claims and the diagram that they are about.
    oracle : is asked.
    n : rows a claim.
    seed : of the rows.
    recorded : recorded rows that some of the fresh ones are made from, if there are any.
    """
    if (oracle.n_inputs, oracle.n_outputs) != (bsd.n_inputs, bsd.n_outputs):
        raise ValueError(
            f"oracle has {oracle.n_inputs} inputs and {oracle.n_outputs} outputs, the diagram {bsd.n_inputs} "
            f"and {bsd.n_outputs}; ask the oracle that it was learned from"
        )
    return _Recheck(ledger, bsd, oracle, RowSource(bsd.n_inputs, recorded), np.random.default_rng(seed)).run(
        n
    )


class _Recheck:
    def __init__(
        self, ledger: Ledger, bsd: Bsd, oracle: Oracle, source: RowSource, rng: np.random.Generator
    ) -> None:
        self.ledger, self.bsd, self.oracle = ledger, bsd, oracle
        self.source, self.rng = source, rng
        self.agree = np.zeros(len(ledger), np.int64)
        self.wrong: dict[int, U64] = {}
        self.n_rows = 0

    def run(self, n: int) -> Rechecked:
        ledger = self.ledger
        live = ledger.round == 0
        plain = live & (ledger.kind != Kind.GUARD) & ((ledger.target >= 0) | (ledger.kind == Kind.UNCARED))
        free = self.bsd.n_inputs - np.bitwise_count(ledger.mask).sum(axis=1, dtype=np.int64)
        small = np.flatnonzero(plain & (free <= MOST_FREE))
        for at in small.tolist():
            self._claims(np.full(1 << int(free[at]), at), self._all_rows(at))
        large = np.flatnonzero(plain & (free > MOST_FREE))
        large = large[np.argsort(ledger.target[large], kind="stable")]
        step = max(1, _BATCH // max(1, n))
        for start in range(0, large.shape[0], step):
            part = large[start : start + step]
            which = np.repeat(np.arange(part.shape[0]), n)
            rows = self.source.inside(
                self.rng, which.shape[0], ledger.mask[part], ledger.value[part], which.astype(np.int64)
            )
            self._claims(part[which], rows)
        for number, at in enumerate(ledger.guards.tolist()):
            if live[at] and ledger.target[at] >= 0:
                self._guard(number, at, n)
        return self._result(small, n)

    def _all_rows(self, at: int) -> U64:
        """Every row of a cube."""
        fixed = to_bool(self.ledger.mask[at : at + 1], self.bsd.n_inputs)[0]
        (variables,) = np.nonzero(~fixed)
        rows = np.zeros((1 << variables.shape[0], self.bsd.n_inputs), np.bool_)
        rows[:, variables] = (np.arange(rows.shape[0])[:, None] >> np.arange(variables.shape[0])) & 1
        inside: U64 = from_bool(rows) | self.ledger.value[at]
        return inside

    def _claims(self, at: NDArray[np.int64], rows: U64) -> None:
        """Compare each row's claim with the oracle; the rows lie in their cubes."""
        output = self.ledger.output[at]
        said, care = (self._bit(words, output) for words in self._ask(rows))
        uncared = self.ledger.kind[at] == Kind.UNCARED
        is_ = self.bsd.evaluate_each(rows, np.maximum(self.ledger.target[at], 0))
        self._count(
            at, rows, np.where(uncared, ~care, care & (said == is_)), care & (uncared | (said != is_))
        )

    def _guard(self, number: int, at: int, n: int) -> None:
        """Put in for the guard's variables what stands for its value; no output may change."""
        ledger = self.ledger
        mask, value, inside = ledger.mask[at], ledger.value[at], ledger.guard_set[number]
        rows = self.source.inside(self.rng, n, mask[None], value[None], np.zeros(n, np.int64))
        # one of the bit's values may be rare: half of the rows are near what stands for either
        side = self.rng.integers(0, 2, n // 2)
        near = (rows[: n // 2] & ~inside) | ledger.guard_assignments[number][side]
        flipped = self.source.flipped(self.rng, near)
        rows[: n // 2] = (near & ~inside) | (flipped & inside)
        rows = (rows & ~mask) | value
        phi = self.bsd.evaluate_each(rows, np.full(n, ledger.target[at], np.int32))
        stands = ledger.guard_assignments[number][phi.astype(np.int64)]
        true, care = self._ask(rows)
        said, _ = self._ask((rows & ~inside) | stands)
        care = care & ledger.guard_outputs[number]
        differs = ((true ^ said) & care).any(axis=1)
        self._count(np.full(n, at), rows, care.any(axis=1) & ~differs, differs)

    def _ask(self, rows: U64) -> tuple[U64, U64]:
        self.n_rows += rows.shape[0]
        return self.oracle.query(np.ascontiguousarray(rows))

    def _bit(self, words: U64, output: I32) -> NDArray[np.bool_]:
        word = words[np.arange(words.shape[0]), output >> 6]
        bits: NDArray[np.bool_] = (word >> (output & 63).astype(np.uint64)) & np.uint64(1) != 0
        return bits

    def _count(
        self, at: NDArray[np.int64], rows: U64, agrees: NDArray[np.bool_], wrong: NDArray[np.bool_]
    ) -> None:
        self.agree += np.bincount(at[agrees], minlength=len(self.ledger))
        for row in np.flatnonzero(wrong).tolist():
            self.wrong.setdefault(int(at[row]), rows[row].copy())

    def _result(self, tried_completely: NDArray[np.int_], n: int) -> Rechecked:
        ledger = self.ledger
        live = ledger.round == 0
        status = ledger.status.copy()
        status[live & (self.agree > 0) & (status == Status.SPECULATED)] = Status.CONFIRMED
        status[tried_completely] = Status.PROVED
        bad = np.array(sorted(self.wrong), np.int32)
        new = bad[ledger.status[bad] != Status.REFUTED]
        status[bad] = Status.REFUTED
        had = ~np.isin(ledger.witnesses, bad)
        witness = np.array([self.wrong[int(at)] for at in bad], np.uint64).reshape(
            -1, n_words(self.bsd.n_inputs)
        )
        changed = replace(
            ledger,
            status=status,
            fresh=ledger.fresh + self.agree,
            witnesses=np.concatenate([ledger.witnesses[had], bad]),
            witness=np.concatenate([ledger.witness[had], witness]),
        )
        nodeless = live & (ledger.target < 0) & (ledger.kind != Kind.UNCARED)
        return Rechecked(changed, self.n_rows, new, int(nodeless.sum()))
