"""Looking for counterexamples: rows on which the diagram and the oracle differ where the oracle cares.

Four sources a round: all recorded rows; fresh mixed rows; rows inside the contexts; and rows inside the cube
of every edge (a node's cube and the value of its variable). The last check every merge and every speculated
constant with fresh evidence, deep ones as often as shallow ones. Half of the rows inside edges, and of those
inside contexts, also walk down the diagram of what the claim says the output is there (`bsdgen.learn.walks`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.assemble import Assembly
from bsdgen.learn.kernels.counts import count_bit, count_bits
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource
from bsdgen.learn.walks import Walker

_BLOCK = 1 << 17
_PER_OUTPUT = 3  # rows kept for each output bit that is wrong
_FRESH_PER_EDGE = 1024  # fresh rows for each edge; half of them are inside its cube
_LEAST_FRESH = 1 << 17
_MOST = 384  # rows kept a round


@dataclass
class Mistakes:
    """Counterexamples found so far in a round.

    rows: kept ones; checked and wrong: counts. fresh_edges (2 f,): rows drawn inside each edge, in the order
    of `Functions.edges`, that cared for its output; fresh_entries (c, o): rows drawn inside each context that
    cared for each output; fresh_contexts (c,): rows drawn inside each context. They are
    the evidence behind the ledger's records.
    """

    rows: list[U64]
    by_output: NDArray[np.int64]
    fresh_edges: NDArray[np.int64]
    fresh_entries: NDArray[np.int64]
    fresh_contexts: NDArray[np.int64]
    checked: int = 0
    wrong: int = 0

    @property
    def full(self) -> bool:
        """Whether enough rows are kept."""
        return len(self.rows) >= _MOST


class Checker:
    """Compares one diagram with the oracle.

    Parameters
    ----------
    queries : the oracle.
    assembly : the diagram, and what its contexts and edges are.
    made : what rows walk down, if that is another diagram: `assembly` may have the literals of the one that
        it was made from.
    """

    def __init__(self, queries: Queries, assembly: Assembly, made: Assembly | None = None) -> None:
        self.queries = queries
        self.made = made if made is not None else assembly
        self.assembly = assembly
        self.edge_output, self.edge_mask, self.edge_value = assembly.functions.edges()
        self.edge_literal = self.made.of(assembly.functions.cofactors.ravel())
        self.mistakes = Mistakes(
            rows=[],
            by_output=np.zeros(queries.n_outputs, np.int64),
            fresh_edges=np.zeros(self.edge_output.shape, np.int64),
            fresh_entries=np.zeros((assembly.tree.n_contexts, queries.n_outputs), np.int64),
            fresh_contexts=np.zeros(assembly.tree.n_contexts, np.int64),
        )

    def compare(self, rows: U64, exercised: Callable[[slice, U64], None] | None = None) -> None:
        """Check rows and keep a few of the wrong ones, spread over the outputs.

        `exercised` is told which rows were checked, and their care bits.
        """
        found = self.mistakes
        block = min(_BLOCK, self.queries.batch_rows)
        for first in range(0, rows.shape[0], block):
            if found.full:
                return
            part = np.ascontiguousarray(rows[first : first + block])
            outputs, care = self.queries.ask(part)
            wrong = (self.assembly.bsd.evaluate(part) ^ outputs) & care
            bad = np.flatnonzero(wrong.any(axis=1))
            if exercised is not None:
                exercised(slice(first, first + part.shape[0]), care)
            found.checked += part.shape[0]
            found.wrong += bad.shape[0]
            for row in bad[:4096]:
                bits = np.flatnonzero(np.unpackbits(wrong[row].view(np.uint8), bitorder="little"))
                if found.by_output[bits].min() < _PER_OUTPUT:
                    found.by_output[bits] += 1
                    found.rows.append(part[row].copy())
                    if found.full:
                        return

    def run(self, source: RowSource, rng: np.random.Generator, contexts: tuple[U64, U64], n: int) -> Mistakes:
        """One round: all recorded rows, and fresh ones.

        Of the latter there are up to `n`: a small diagram says little that could be wrong, and needs fewer
        for the same evidence for each of its edges.
        """
        n = min(n, max(_LEAST_FRESH, _FRESH_PER_EDGE * self.edge_output.shape[0]))
        if source.recorded is not None:
            self.compare(source.recorded)
        size = max(1, min(_BLOCK, n // 4))
        walker = Walker(self.made.bsd, self.made.tree)
        for block in range(max(4, n // size)):
            if self.mistakes.full:
                break
            if self.edge_output.shape[0] and block % 2 == 0:
                which = (np.arange(size) + block * size) % self.edge_output.shape[0]
                rows = source.inside(rng, size, self.edge_mask, self.edge_value, which)
                if block % 4:
                    walker.down(rng, rows, self.edge_mask, which, self.edge_literal[which])
                self.compare(rows, partial(self._exercised_edges, which))
            elif block % 4 == 1:
                self.compare(source.mixed(rng, size))
            else:
                which = rng.integers(0, contexts[0].shape[0], size)
                rows = source.inside(rng, size, *contexts, which)
                walker.down(rng, rows, contexts[0], which, walker.entries(rng, which))
                self.compare(rows, partial(self._exercised_entries, which))
        return self.mistakes

    def _exercised_edges(self, which: NDArray[np.int64], at: slice, care: U64) -> None:
        count_bit(care, which[at], self.edge_output, self.mistakes.fresh_edges)

    def _exercised_entries(self, which: NDArray[np.int64], at: slice, care: U64) -> None:
        count_bits(care, which[at], self.mistakes.fresh_entries)
        counts = self.mistakes.fresh_contexts
        counts += np.bincount(which[at], minlength=counts.shape[0])
