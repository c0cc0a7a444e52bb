"""Two engines that share no code, each asked about every output bit of a pair of graphs.

``abc``: ABC's ``cec``, in a process of its own. ``sat``: a SAT sweep of ours over a solver of python-sat
(`bsdgen.circuit.sweep`), on a miter that ABC never sees. A bit counts as proved when every engine that was
asked says so; an assignment on which it differs is evaluated on both graphs before it is believed.
"""

import re
import time
from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64, from_bool, n_words, to_bool
from bsdgen.circuit.aig import Aig
from bsdgen.circuit.equivalence import ENGINES, Engine, cec_log, no_answer
from bsdgen.circuit.sweep import sweep_all
from bsdgen.errors import CheckFailed

__all__ = ["ENGINES", "Answer", "Engine", "ask"]

_NEIGHBOURS = 2048  # of an assignment on which two graphs differ: more outputs may differ there
_FLIPPED = 1 / 32


@dataclass(frozen=True, eq=False)
class Answer:
    """What an engine says of a pair of graphs.

    Attributes
    ----------
    engine, seconds : who, and how long it took.
    proved : positions of outputs that are equal for every assignment.
    refuted : an assignment on which they differ, shape (n_words(n_inputs),), by position.
    """

    engine: Engine
    seconds: float
    proved: tuple[int, ...]
    refuted: dict[int, U64]


def ask(engine: Engine, a: Aig, b: Aig, timeout_s: float = 3600.0) -> Answer:
    """Ask an engine about every output of two graphs with the same inputs and outputs.

    Parameters
    ----------
    timeout_s : for each call of ABC.

    Raises
    ------
    ToolTimeout
        The engine gives no answer in time.
    ToolError
        It is missing or fails.
    CheckFailed
        It gives an assignment on which the graphs do not differ.
    """
    begun = time.perf_counter()
    refuted = _refuted_by_abc(a, b, timeout_s) if engine == "abc" else _refuted_by_sat(a, b)
    proved = tuple(position for position in range(a.n_outputs) if position not in refuted)
    return Answer(engine, time.perf_counter() - begun, proved, refuted)


def _refuted_by_sat(a: Aig, b: Aig) -> dict[int, U64]:
    differences, _ = sweep_all(a, b)
    refuted = {item.output: item.inputs for item in differences}
    for position, inputs in refuted.items():
        if position not in _differing(a, b, inputs[None]):
            raise CheckFailed("sat: gives an assignment on which the graphs do not differ; report this")
    return refuted


def _refuted_by_abc(a: Aig, b: Aig, timeout_s: float) -> dict[int, U64]:
    """Ask again without the outputs that are known to differ, until the others are equal."""
    refuted: dict[int, U64] = {}
    rng = np.random.default_rng(0)
    while True:
        left = [position for position in range(a.n_outputs) if position not in refuted]
        if not left:
            return refuted
        inputs = _cec(a.cone(left), b.cone(left), timeout_s)
        if inputs is None:
            return refuted
        near = to_bool(np.repeat(inputs[None], _NEIGHBOURS, axis=0), a.n_inputs)
        near[1:] ^= rng.random(near[1:].shape) < _FLIPPED
        rows = from_bool(near)
        found = {
            position: rows[row] for position, row in _differing(a, b, rows).items() if position not in refuted
        }
        if not found:
            raise CheckFailed("abc: gives an assignment on which the graphs do not differ; report this")
        refuted |= found


def _differing(a: Aig, b: Aig, rows: U64) -> dict[int, int]:
    """First row on which each output differs, for those that do."""
    wrong = to_bool(a.evaluate(rows) ^ b.evaluate(rows), a.n_outputs)
    return {int(position): int(wrong[:, position].argmax()) for position in np.flatnonzero(wrong.any(axis=0))}


def _cec(a: Aig, b: Aig, timeout_s: float) -> U64 | None:
    """None if ABC proves two graphs equal, else an assignment on which they differ."""
    log = cec_log(a, b, timeout_s)
    if re.search(r"^Networks are equivalent", log, re.MULTILINE):
        return None
    given = re.search(r"\bINPUT: (.*)\.\s+OUTPUT:", log)
    if not re.search(r"^Networks are NOT EQUIVALENT", log, re.MULTILINE) or given is None:
        raise no_answer(log, timeout_s)
    bits = np.zeros((1, n_words(a.n_inputs) * 64), np.bool_)
    for index, value in re.findall(r"\bpi(\d+) = 1'h([01])", given[1]):
        bits[0, int(index)] = value == "1"
    row: U64 = from_bool(bits)[0]
    return row
