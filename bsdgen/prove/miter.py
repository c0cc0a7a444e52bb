"""Pairs of graphs that an engine is asked about: cared bits only, inside one cell of the inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsdgen.bits import U64, from_bool, to_bool
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.prove.engines import Engine, ask
from bsdgen.spec.cells import Cell
from bsdgen.spec.graph import Specification


@dataclass(frozen=True, eq=False)
class Miter:
    """What is claimed to be equal.

    Attributes
    ----------
    learned, specified : graphs over all inputs, one output a position.
    positions : outputs of the specification that they are.
    """

    learned: Aig
    specified: Aig
    positions: tuple[int, ...]


def miter(specification: Specification, learned: Aig, cell: Cell, outputs: Sequence[int]) -> Miter:
    """Both functions on some outputs inside a cell, each bit forced to 0 where it means nothing.

    Outputs that structural hashing alone shows to mean nothing there are left out. The inputs that the cell
    fixes are constants in both graphs, which so need not care for any other instruction.
    """
    builder = AigBuilder(learned.n_inputs)
    variables = cell.variables(learned.n_inputs)
    inside = cell.condition(builder, variables)
    care = [
        builder.and_(inside, literal)
        for literal in copy_into(builder, specification.care.cone(outputs), variables)
    ]
    values = copy_into(builder, specification.values.cone(outputs), variables)
    ours = copy_into(builder, learned.cone(outputs), variables)
    kept = [i for i, literal in enumerate(care) if literal != 0]
    graphs = [builder.build([builder.and_(care[i], side[i]) for i in kept]) for side in (ours, values)]
    return Miter(graphs[0], graphs[1], tuple(outputs[i] for i in kept))


def cared_positions(
    specification: Specification, cell: Cell, engine: Engine, timeout_s: float = 3600.0
) -> tuple[int, ...]:
    """Outputs that mean something for some assignment of a cell: those whose care is not always 0."""
    builder = AigBuilder(specification.schema.n_inputs)
    variables = cell.variables(specification.schema.n_inputs)
    inside = cell.condition(builder, variables)
    care = [builder.and_(inside, literal) for literal in copy_into(builder, specification.care, variables)]
    # Many bits of a field have one condition.
    distinct = sorted(set(care))
    answer = ask(engine, builder.build(distinct), builder.build([0] * len(distinct)), timeout_s)
    live = {distinct[position] for position in answer.refuted}
    return tuple(position for position, literal in enumerate(care) if literal in live)


def completed(cell: Cell, inputs: U64, n_inputs: int) -> U64:
    """An assignment with the values that the cell fixes."""
    bits = to_bool(inputs[None], n_inputs)
    for variable, value in cell.cube:
        bits[0, variable] = value
    row: U64 = from_bool(bits)[0]
    return row


def shrunk(pair: Miter, position: int, inputs: U64) -> U64:
    """An assignment on which output `position` of a pair differs, with as few ones as one pass leaves."""
    a, b = pair.learned.cone([position]), pair.specified.cone([position])
    bits = to_bool(inputs[None], a.n_inputs)[0]
    # Rows with one more zero each, so that one evaluation tries them all; every success narrows the rest.
    at = a.n_inputs - 1
    while at >= 0:
        ones = np.flatnonzero(bits[: at + 1])[::-1][:64]
        if not ones.size:
            break
        rows = np.repeat(bits[None], ones.size, axis=0)
        rows[np.arange(ones.size), ones] = False
        packed = from_bool(rows)
        differs = (a.evaluate(packed) ^ b.evaluate(packed))[:, 0] & np.uint64(1) != 0
        first = int(differs.argmax()) if differs.any() else -1
        if first >= 0:
            bits[ones[first]] = False
            at = int(ones[first]) - 1
        else:
            at = int(ones[-1]) - 1
    row: U64 = from_bool(bits[None])[0]
    return row
