"""Many assignments on a faulty graph, 64 a word: only what the fault changes is computed anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.bsd.literals import I32
from bsdgen.circuit.aig import Aig
from bsdgen.mutate.faults import Edit, Fault
from bsdgen.spec.graph import Specification

_BLOCK = 16  # words that are looked at before the first that differs ends the search
_COLUMNS = 5  # of an edit as numbers


@njit(cache=True, nogil=True)
def _run(
    fanin0: I32,
    fanin1: I32,
    first: int,
    edits: NDArray[np.int64],
    value: U64,
    outputs: I32,
    expected: U64,
    care: U64,
    stop: bool,
    ever: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
) -> int:  # pragma: no cover - compiled
    """First assignment that is wrong, -1 if none is; see `Vectors`."""
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    none = np.uint64(0)
    n_words = value.shape[1]
    now = np.zeros((value.shape[0], _BLOCK), np.uint64)
    dirty = np.zeros(value.shape[0], np.bool_)
    start = edits[0, 0]
    found = -1
    for begin in range(0, n_words, _BLOCK):
        width = min(_BLOCK, n_words - begin)
        for i in range(start, fanin0.shape[0]):
            a, b, is_xor, flip = fanin0[i], fanin1[i], False, none
            changed = False
            for e in range(edits.shape[0]):
                if edits[e, 0] == i:
                    a, b, is_xor = np.int32(edits[e, 1]), np.int32(edits[e, 2]), edits[e, 3] != 0
                    flip = ones if edits[e, 4] else none
                    changed = True
            node = first + i
            dirty[node] = False
            x, y = a >> 1, b >> 1
            if not (changed or dirty[x] or dirty[y]):
                continue
            flip_a = ones if a & 1 else none
            flip_b = ones if b & 1 else none
            for w in range(width):
                p = (now[x, w] if dirty[x] else value[x, begin + w]) ^ flip_a
                q = (now[y, w] if dirty[y] else value[y, begin + w]) ^ flip_b
                r = (p ^ q if is_xor else p & q) ^ flip
                now[node, w] = r
                if r != value[node, begin + w]:
                    dirty[node] = True
            if dirty[node]:
                ever[node] = True
        best = 64 * n_words
        for position in range(outputs.shape[0]):
            node = outputs[position] >> 1
            if not dirty[node]:
                continue
            flip = ones if outputs[position] & 1 else none
            for w in range(width):
                bits = (now[node, w] ^ flip ^ expected[position, begin + w]) & care[position, begin + w]
                if bits:
                    wrong[position] = True
                    low = 0
                    while not (bits >> np.uint64(low)) & np.uint64(1):
                        low += 1
                    best = min(best, 64 * (begin + w) + low)
                    break
        if best < 64 * n_words and found < 0:
            found = best
            if stop:
                break
    result: int = found
    return result


@dataclass(frozen=True, eq=False)
class Seen:
    """What a fault does on some assignments.

    Attributes
    ----------
    first : position of the first one on which a cared output is not as specified, or -1.
    nodes : bool, by index: whether the node's value changes on any.
    outputs : bool, by position: whether the output is wrong on any, where it is cared for.
    """

    first: int
    nodes: NDArray[np.bool_]
    outputs: NDArray[np.bool_]


class Vectors:
    """Assignments with what is specified of them, and with the values of the graph without a fault.

    Parameters
    ----------
    columns : uint64, shape (n_inputs, n_words), see `Aig.simulate`.
    """

    def __init__(self, specification: Specification, aig: Aig, columns: U64) -> None:
        self._aig = aig
        self._value = aig.simulate(columns)
        self._expected = outputs_on(specification.values, columns)
        self._care = outputs_on(specification.care, columns)
        inside = specification_domain(specification, columns)
        if inside is not None:
            self._care &= inside

    def wrong(self) -> bool:
        """Whether the graph without a fault is wrong on any."""
        flips = np.where(self._aig.outputs & 1, ~np.uint64(0), np.uint64(0)).astype(np.uint64)
        found = self._value[self._aig.outputs >> 1] ^ flips[:, None]
        return bool(((found ^ self._expected) & self._care).any())

    def see(self, fault: Fault, *, stop: bool = True) -> Seen:
        """Evaluate a fault; `stop` at the first few assignments that show it."""
        aig = self._aig
        ever = np.zeros(self._value.shape[0], np.bool_)
        wrong = np.zeros(aig.n_outputs, np.bool_)
        first = _run(
            aig.fanin0,
            aig.fanin1,
            1 + aig.n_inputs,
            _numbers(fault.edits),
            self._value,
            aig.outputs,
            self._expected,
            self._care,
            stop,
            ever,
            wrong,
        )
        return Seen(int(first), ever, wrong)


def _numbers(edits: Sequence[Edit]) -> NDArray[np.int64]:
    rows = [[edit.gate, edit.fanin0, edit.fanin1, edit.xor, edit.flip] for edit in edits]
    return np.array(sorted(rows), np.int64).reshape(-1, _COLUMNS)


def outputs_on(aig: Aig, columns: U64) -> U64:
    """Outputs of a graph: uint64, shape (n_outputs, n_words)."""
    value = aig.simulate(columns)
    flips = np.where(aig.outputs & 1, ~np.uint64(0), np.uint64(0)).astype(np.uint64)
    made: U64 = value[aig.outputs >> 1] ^ flips[:, None]
    return made


def specification_domain(specification: Specification, columns: U64) -> U64 | None:
    """Where anything is specified: uint64, shape (n_words,); None: everywhere."""
    from bsdgen.circuit.aig import AigBuilder

    n = specification.schema.n_inputs
    builder = AigBuilder(n)
    literals = [2 * (v + 1) for v in range(n)]
    inside = specification.whole.condition(builder, literals)
    for variable, value in specification.whole.cube:
        inside = builder.and_(inside, literals[variable] ^ (not value))
    return None if inside == 1 else outputs_on(builder.build([inside]), columns)[0]
