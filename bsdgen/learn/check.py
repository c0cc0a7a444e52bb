"""Looking for counterexamples: rows on which the diagram and the oracle differ where the oracle cares.

Four sources a round: all recorded rows; fresh mixed rows; rows inside the contexts; and rows inside the cube
of every edge (a node's cube and the value of its variable). The last check every merge and every speculated
constant with fresh evidence, deep ones as often as shallow ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.assemble import Assembly
from bsdgen.learn.functions import set_bit
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource

_BLOCK = 1 << 17
_PER_OUTPUT = 3  # rows kept for each output bit that is wrong
_MOST = 384  # rows kept a round


@dataclass
class Mistakes:
    """Counterexamples found so far in a round.

    rows: kept ones; checked and wrong: counts.
    """

    rows: list[U64]
    by_output: NDArray[np.int64]
    checked: int = 0
    wrong: int = 0

    @property
    def full(self) -> bool:
        """Whether enough rows are kept."""
        return len(self.rows) >= _MOST


class Checker:
    """Compares one diagram with the oracle."""

    def __init__(self, queries: Queries, assembly: Assembly) -> None:
        self.queries = queries
        self.assembly = assembly
        self.mistakes = Mistakes([], np.zeros(queries.n_outputs, np.int64))

    def compare(self, rows: U64) -> None:
        """Check rows and keep a few of the wrong ones, spread over the outputs."""
        found = self.mistakes
        for first in range(0, rows.shape[0], _BLOCK):
            if found.full:
                return
            part = np.ascontiguousarray(rows[first : first + _BLOCK])
            outputs, care = self.queries.ask(part)
            wrong = (self.assembly.bsd.evaluate(part) ^ outputs) & care
            bad = np.flatnonzero(wrong.any(axis=1))
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
        """One round: about `n` fresh rows and all recorded ones."""
        if source.recorded is not None:
            self.compare(source.recorded)
        mask, value = self._edges()
        size = max(1, min(_BLOCK, n // 4))
        for block in range(max(4, n // size)):
            if self.mistakes.full:
                break
            if mask.shape[0] and block % 2 == 0:
                which = (np.arange(size) + block * size) % mask.shape[0]
                self.compare(source.inside(rng, size, mask, value, which))
            elif block % 4 == 1:
                self.compare(source.mixed(rng, size))
            else:
                self.compare(source.inside(rng, size, *contexts))
        return self.mistakes

    def _edges(self) -> tuple[U64, U64]:
        """Cubes of all edges of nodes that stand for a function."""
        bsd, assembly = self.assembly.bsd, self.assembly
        masks, values = [], []
        for i in np.flatnonzero(assembly.output >= 0):
            variable = (int(bsd.guard[i]) >> 1) - 1
            if variable >= bsd.n_inputs:
                continue
            mask = set_bit(assembly.cube_mask[i], variable)
            masks += [mask, mask]
            values += [assembly.cube_value[i], set_bit(assembly.cube_value[i], variable)]
        if not masks:
            empty = np.zeros((0, self.queries.w_in), np.uint64)
            return empty, empty
        return np.array(masks), np.array(values)
