"""Single-gate faults of an and-inverter graph, each a function of a seed and its number alone."""

from dataclasses import dataclass

import numpy as np

from bsdgen.circuit.aig import Aig, AigBuilder
from bsdgen.errors import UsageError

KINDS: tuple[str, ...] = (
    "wrong polarity",
    "stuck at 0",
    "stuck at 1",
    "swapped fanin",
    "AND to OR",
    "AND to XOR",
    "AND to NAND",
)
"""Kinds of faults; fault k is of kind ``k % len(KINDS)``, so that each has its share of any run."""

_TAG = 0x6D757461


@dataclass(frozen=True)
class Edit:
    """What one gate has become: ``(fanin0 AND/XOR fanin1) ^ flip``.

    Attributes
    ----------
    gate : its position among the ANDs.
    fanin0, fanin1 : literals of earlier nodes.
    xor, flip : whether it is an exclusive or, and whether its output is complemented.
    """

    gate: int
    fanin0: int
    fanin1: int
    xor: bool = False
    flip: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault: one gate that changed, or two that exchanged a fanin.

    Attributes
    ----------
    number : of the list that a seed gives.
    kind : of `KINDS`.
    edits : the gates that changed, each once.
    """

    number: int
    kind: str
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """The kind, and where."""
        return f"{self.kind} at gate {' and '.join(str(edit.gate) for edit in self.edits)}"


def draw_fault(aig: Aig, seed: int, number: int) -> Fault:
    """Draw fault `number` of a seed; what other faults are drawn makes no difference.

    The gate and which of its fanins are uniform. A fanin is swapped with one of a gate for which both stay
    behind what they read, so that no cycle can arise; gates for which there is none are drawn again.

    Raises
    ------
    UsageError
        The graph has no gate, or none that a fault of this kind can be put into.
    """
    if not aig.n_ands:
        raise UsageError("the netlist has no gate, so there is nothing to put a fault into")
    rng = np.random.default_rng([_TAG, seed, number])
    kind = KINDS[number % len(KINDS)]
    if kind == "swapped fanin":
        return Fault(number, kind, _swap(aig, rng))
    gate, side = int(rng.integers(aig.n_ands)), int(rng.integers(2))
    a, b = int(aig.fanin0[gate]), int(aig.fanin1[gate])
    if kind == "AND to XOR":
        return Fault(number, kind, (Edit(gate, a, b, xor=True),))
    if kind == "AND to NAND":
        return Fault(number, kind, (Edit(gate, a, b, flip=True),))
    if kind == "AND to OR":
        return Fault(number, kind, (Edit(gate, a ^ 1, b ^ 1, flip=True),))
    broken = (b if side else a) ^ 1 if kind == "wrong polarity" else int(kind == "stuck at 1")
    return Fault(number, kind, (Edit(gate, a, broken) if side else Edit(gate, broken, b),))


def _swap(aig: Aig, rng: np.random.Generator) -> tuple[Edit, ...]:
    """Two gates with a fanin of each at the other."""
    pins = np.stack([aig.fanin0, aig.fanin1])
    own = 1 + aig.n_inputs + np.arange(aig.n_ands)
    for gate in rng.permutation(aig.n_ands):
        side = int(rng.integers(2))
        mine = pins[side, gate]
        fits = (pins != mine) & (pins >> 1 < own[gate]) & (mine >> 1 < own)[None, :]
        fits[:, gate] = False
        sides, gates = np.nonzero(fits)
        if sides.size:
            which = int(rng.integers(sides.size))
            other_side, other = int(sides[which]), int(gates[which])
            changed = pins.copy()
            changed[side, gate], changed[other_side, other] = pins[other_side, other], mine
            return tuple(Edit(g, int(changed[0, g]), int(changed[1, g])) for g in sorted((int(gate), other)))
    raise UsageError("the netlist is too small: no two of its gates can exchange a fanin")


def faulty(aig: Aig, fault: Fault) -> Aig:
    """The graph with a fault, as a graph of ANDs again."""
    builder = AigBuilder(aig.n_inputs)
    literal = list(range(0, 2 * (1 + aig.n_inputs), 2))
    edits = {edit.gate: edit for edit in fault.edits}
    for gate, (a, b) in enumerate(zip(aig.fanin0.tolist(), aig.fanin1.tolist(), strict=True)):
        literal.append(made(builder, edits.get(gate) or Edit(gate, a, b), literal))
    return builder.build([literal[output >> 1] ^ (output & 1) for output in aig.outputs.tolist()])


def made(builder: AigBuilder, edit: Edit, literal: list[int]) -> int:
    """Literal of a changed gate, given the literals that stand for the nodes before it, by index."""
    a = literal[edit.fanin0 >> 1] ^ (edit.fanin0 & 1)
    b = literal[edit.fanin1 >> 1] ^ (edit.fanin1 & 1)
    return (builder.xor(a, b) if edit.xor else builder.and_(a, b)) ^ int(edit.flip)
