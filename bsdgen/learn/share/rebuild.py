"""All outputs anew, with the units in place."""

from collections.abc import Sequence
from dataclasses import dataclass

from bsdgen.learn.control import DONT_CARE
from bsdgen.learn.share.graph import Graph, variables
from bsdgen.learn.share.join import Joiner
from bsdgen.learn.share.units import Contexts, Unit


@dataclass(frozen=True)
class Shared:
    """A graph in which the contexts use units.

    operands : for each unit, the literal of each operand by variable; functions : of each unit by output.
    """

    graph: Graph
    roots: list[int]
    operands: list[dict[int, int]]
    functions: list[dict[int, int]]


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
    choices = [_operands(graph, unit) for unit in units]
    named = [
        {c: _name(used[c, output]) if (c, output) in used else literal for c, literal in choice.items()}
        for output, choice in enumerate(outputs)
    ]
    every = [*(choice for of_unit in choices for choice in of_unit.values()), *named]
    joiner = Joiner(new, contexts, graph.compose(contexts.guard, {}, new), every)
    operands, functions = [], []
    for unit, of_unit in zip(units, choices, strict=True):
        joined = {v: joiner.join(choice) for v, choice in of_unit.items()}
        inputs = {v: 2 * (v + 1) if literal is None else literal for v, literal in joined.items()}
        made = graph.compose(list(unit.functions.values()), inputs, new)
        operands.append(inputs)
        functions.append(dict(zip(unit.functions, made, strict=True)))
    roots = []
    for output, choice in enumerate(outputs):
        own = [c for c in choice if (c, output) not in used]
        values = dict(zip(own, graph.compose([choice[c] for c in own], {}, new), strict=True))
        for c in choice:
            if (c, output) in used:
                at, source, inverted = used[c, output]
                values[c] = functions[at][source] ^ inverted
        roots.append(joiner.join({c: values[c] for c in choice}) or 0)
    return Shared(new, roots, operands, functions)


def _operands(graph: Graph, unit: Unit) -> dict[int, dict[int, int]]:
    """By variable of the unit, what takes its place in each context."""
    return {
        v: {c: use.literals[v] for c, use in unit.uses.items() if v in use.literals}
        for v in variables(graph.union(unit.functions.values()))
    }


def _name(use: tuple[int, int, int]) -> int:
    """A literal that no graph has, for what is not made yet."""
    at, source, inverted = use
    return -(((at << 24) + source << 1) + inverted + 4)
