"""All outputs anew, with the units in place."""

from collections.abc import Sequence
from dataclasses import dataclass

from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.graph import Graph, variables
from bsdgen.learn.share.join import Joiner
from bsdgen.learn.share.units import Contexts, Unit


class Circular(ValueError):
    """Units that cannot be made one after the other."""


@dataclass(frozen=True)
class Shared:
    """A graph in which the contexts use units.

    Attributes
    ----------
    graph, roots : the new graph and its outputs.
    exact : literal of `graph` by index of the old graph, for functions that are in it as they were.
    operands : for each unit, the literal of each operand by variable.
    functions : for each unit, the literal of each output.
    inside : for each unit, literals by index of the old graph: the old function where the unit's own context
        is, and anything elsewhere.
    """

    graph: Graph
    roots: list[int]
    exact: dict[int, int]
    operands: list[dict[int, int]]
    functions: list[dict[int, int]]
    inside: list[dict[int, int]]


def rebuilt(graph: Graph, contexts: Contexts, units: Sequence[Unit]) -> Shared:
    """A new graph of all outputs in which the contexts use units."""
    new = type(graph)(graph.n_inputs)
    outputs: list[dict[int, int]] = [{} for _ in range(contexts.n_outputs)]
    used: dict[tuple[int, int], tuple[int, int, int]] = {}
    for at, unit in enumerate(units):
        for context, use in unit.uses.items():
            for output, (source, inverted) in use.outputs.items():
                used[context, output] = at, source, inverted
    for context, entries in enumerate(contexts.settled):
        for output, literal in entries.items():
            if literal != DONT_CARE:
                outputs[output][context] = literal
    choices = [_operands(graph, contexts, unit) for unit in units]
    named = [
        {c: _name(used[c, output]) if (c, output) in used else literal for c, literal in choice.items()}
        for output, choice in enumerate(outputs)
    ]
    every = [*(choice for of_unit in choices for choice in of_unit.values()), *named]
    left = [e for o, choice in enumerate(outputs) for c, e in choice.items() if (c, o) not in used]
    exact = graph.composed([*contexts.guard, *left], {}, new)
    guards = [_moved(exact, guard) for guard in contexts.guard]
    joiner = Joiner(new, contexts, guards, every)
    operands: list[dict[int, int]] = [{} for _ in units]
    functions, inside = list(operands), list(operands)
    for number in _in_order(contexts, units):
        unit, of_unit = units[number], choices[number]
        joined = {v: joiner.join(choice) for v, choice in of_unit.items()}
        inputs = {v: 2 * (v + 1) if literal is None else literal for v, literal in joined.items()}
        made = graph.composed(list(unit.functions.values()), inputs, new)
        operands[number], inside[number] = inputs, made
        functions[number] = {o: _moved(made, literal) for o, literal in unit.functions.items()}
        for place in unit.guards:
            guards[place] = graph.compose([contexts.guard[place]], inputs, new)[0]
    roots = []
    for output, choice in enumerate(outputs):
        values = {}
        for c, literal in choice.items():
            if (c, output) in used:
                at, source, inverted = used[c, output]
                values[c] = functions[at][source] ^ inverted
            else:
                values[c] = _moved(exact, literal)
        roots.append(joiner.join(values) or 0)
    return Shared(new, roots, exact, operands, functions, inside)


def _moved(made: dict[int, int], literal: int) -> int:
    return made[literal >> 1] ^ (literal & 1)


def _in_order(contexts: Contexts, units: Sequence[Unit]) -> list[int]:
    """Units, those first that make guards which others' operands depend on.

    Raises
    ------
    Circular
        There is no such order.
    """
    served = {place: number for number, unit in enumerate(units) for place in unit.guards}
    needs = (
        [
            {
                served[at]
                for place in (*unit.uses, *unit.guards)
                for at in contexts.above(place)
                if at in served
            }
            for unit in units
        ]
        if served
        else [set[int]() for _ in units]
    )
    order: list[int] = []
    while len(order) < len(units):
        ready = [n for n in range(len(units)) if n not in order and needs[n] <= set(order)]
        if not ready:
            raise Circular("units need each other's guards")
        order.append(ready[0])
    return order


def _operands(graph: Graph, contexts: Contexts, unit: Unit) -> dict[int, dict[int, int]]:
    """By variable of the unit, what takes its place in each context."""
    own = {place: graph.support(contexts.guard[place]) for place in unit.guards}
    return {
        v: {c: use.literals[v] for c, use in unit.uses.items() if v in use.literals}
        | {place: 2 * (v + 1) for place, support in own.items() if support >> v & 1}
        for v in variables(graph.union(unit.functions.values()))
    }


def _name(use: tuple[int, int, int]) -> int:
    """A literal that no graph has, for what is not made yet."""
    at, source, inverted = use
    return -(((at << 24) + source << 1) + inverted + 4)
