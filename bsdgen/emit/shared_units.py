"""Units of a model as modules: which nodes belong to one, and what goes in and out.

A unit (`bsdgen.inspect.units`) is a function that several contexts use, each with operands of its own. Its
nodes are those between its operands and its functions. They form a module, since none of its operands can
depend on one of its nodes. What else its nodes read or are read for becomes further ports, so that the cut
holds whatever the learner shared besides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bsd import Bsd
from bsdgen.inspect.inspection import Inspection
from bsdgen.inspect.units import units as described
from bsdgen.inspect.units import words
from bsdgen.model import Model

_FEWEST = 4  # nodes that are worth a module
_LETTERS = "abcdefghijklmopqrstuvw"  # of operands; y and z are results, x the rest, n<i> nodes


@dataclass(frozen=True)
class Word:
    """A port of a unit.

    Attributes
    ----------
    name : of the port.
    literals : of the diagram, the lowest bit first; None: the bit has no node and is not read.
    says : what it is, a line each (at least one), for a comment.
    """

    name: str
    literals: tuple[int | None, ...]
    says: tuple[str, ...]


@dataclass(frozen=True)
class SharedUnit:
    """A unit as a module.

    Attributes
    ----------
    number : as `bsdgen inspect --units` counts.
    nodes : indices, ascending.
    operands, results : ports in and out; a result's literals are those of nodes of the unit.
    says : what it makes where, a line each, for a comment.
    """

    number: int
    nodes: tuple[int, ...]
    operands: tuple[Word, ...]
    results: tuple[Word, ...]
    says: tuple[str, ...]


def shared_units(model: Model) -> list[SharedUnit]:
    """Units that become modules, the largest first; no node is in two, and no two wait for each other.

    A unit that lost half its nodes to larger ones stays part of the remaining logic, and so does one that
    would depend on another that depends on it.
    """
    if "unit_base" not in model.extra:
        return []
    of = Inspection(model)
    found = [(unit, _inner(of, unit["unit"])) for unit in described(of)]
    found.sort(key=lambda item: -len(item[1]))
    taken: set[int] = set()
    kept: list[tuple[dict[str, Any], list[int]]] = []
    line = _Line(of.bsd)
    for unit, inner in found:
        rest = [index for index in inner if index not in taken]
        if len(rest) < max(_FEWEST, len(inner) / 2):
            continue
        if not line.joined(rest):
            continue
        taken.update(rest)
        kept.append((unit, rest))
    n_reads = _reads(of.bsd, slice(None))
    n_reads += np.bincount(of.bsd.roots >> 1, minlength=len(n_reads))
    return [_ported(of, unit, nodes, n_reads) for unit, nodes in kept]


class _Line:
    """Nodes and groups of nodes, each behind all that it reads; a group that joins moves its neighbours only.

    That is the search of Pearce and Kelly (*A dynamic topological sort algorithm for directed acyclic
    graphs*, 2007): what lies on a way from a group to itself stands between its first and its last node.
    """

    def __init__(self, bsd: Bsd) -> None:
        self.first = 1 + bsd.n_inputs
        columns = (bsd.guard.tolist(), bsd.low.tolist(), bsd.high.tolist())
        self.reads = [{literal >> 1 for literal in triple} for triple in zip(*columns, strict=True)]
        self.own = list(range(self.first + bsd.n_nodes))  # by index: itself, or the first node of its group
        self.place = self.own.copy()  # by such an index
        self.line = self.own.copy()  # such an index by place; -1: nothing any more
        self.members: dict[int, list[int]] = {}

    def _needs(self, item: int) -> set[int]:
        if item < self.first:
            return set()
        inside = self.members.get(item, [item])
        return {self.own[index] for node in inside for index in self.reads[node - self.first]} - {item}

    def joined(self, nodes: list[int]) -> bool:
        """Make some nodes that are in no group one; False, and nothing is changed, if it waits for itself."""
        group = set(nodes)
        places = [self.place[node] for node in nodes]
        start, end = min(places), max(places) + 1
        before: set[int] = set()
        stack = [need for node in nodes for need in self._needs(node) if need not in group]
        while stack:
            item = stack.pop()
            if item in before or self.place[item] < start:
                continue
            before.add(item)
            needs = self._needs(item)
            if needs & group:
                return False
            stack += needs
        stretch = [item for item in self.line[start:end] if item >= 0 and item not in group]
        behind = [item for item in stretch if item not in before]
        lead = min(nodes)
        moved = [*(item for item in stretch if item in before), lead, *behind]
        self.line[start:end] = moved + [-1] * (end - start - len(moved))
        for at, item in enumerate(moved, start):
            self.place[item] = at
        for node in nodes:
            self.own[node] = lead
        self.members[lead] = nodes
        return True


def _reads(bsd: Bsd, which: "slice | NDArray[np.int64]") -> NDArray[np.int64]:
    """How often some nodes (positions) read each index."""
    read = np.concatenate([column[which] >> 1 for column in (bsd.guard, bsd.low, bsd.high)])
    return np.bincount(read, minlength=1 + bsd.n_inputs + bsd.n_nodes)


def schedule(bsd: Bsd, groups: list[set[int]], used: Sequence[bool]) -> list[int] | None:
    """Nodes and groups of nodes so that each comes after all that it reads; None if there is no such order.

    Parameters
    ----------
    groups : indices of nodes, disjoint.
    used : by index, which nodes are wanted.

    Returns
    -------
    Indices of nodes, and ``-1 - g`` for group g, as close to the order of indices as may be.
    """
    first = 1 + bsd.n_inputs
    own = list(range(first + bsd.n_nodes))
    for at, group in enumerate(groups):
        for index in group:
            own[index] = -1 - at
    members: dict[int, list[int]] = {}
    for index in range(first, first + bsd.n_nodes):
        if used[index]:
            members.setdefault(own[index], []).append(index)
    columns = [column.tolist() for column in (bsd.guard, bsd.low, bsd.high)]
    needs = {
        item: {own[column[index - first] >> 1] for index in inside for column in columns} - {item}
        for item, inside in members.items()
    }
    order: list[int] = []
    state = {item: 0 for item in needs}  # 0: not met, 1: waiting for what it reads, 2: placed
    for start in needs:
        stack = [start]
        while stack:
            item = stack[-1]
            if state[item] == 2:
                stack.pop()
                continue
            waiting = sorted(need for need in needs[item] if state.get(need, 2) != 2)
            if not waiting:
                state[item] = 2
                order.append(item)
                stack.pop()
            elif state[item] == 1 or any(state[need] == 1 for need in waiting):
                return None
            else:
                state[item] = 1
                stack += waiting[::-1]
    return order


def _inner(of: Inspection, unit: int) -> list[int]:
    """Indices of the nodes between a unit's operands and its functions in the context that it is from."""
    operand, output = (of.model.extra[f"unit_{name}"] for name in ("operand", "output"))
    operand, output = (table[table[:, 0] == unit] for table in (operand, output))
    made = output[(output[:, 1] == of.model.extra["unit_base"][unit]) & (output[:, 3] >= 0), 3]
    ends = np.unique(operand[operand[:, 2] >= 0, 2])
    return [int(index) for index in np.setdiff1d(of.cone(np.unique(made)), of.cone(ends))]


def _ported(of: Inspection, unit: dict[str, Any], nodes: list[int], n_reads: NDArray[np.int64]) -> SharedUnit:
    """The module of some nodes of a unit; `n_reads`: by index, how often nodes and roots read it."""
    inside = set(nodes)
    operands = _operands(of, unit)
    known = {literal >> 1 for word in operands for literal in word.literals if literal is not None}
    rest = sorted(children(of.bsd, nodes) - inside - known - {0})
    if rest:
        inputs = of.names.inputs(index - 1 for index in rest if index < of.first)
        operands.append(Word("x", tuple(2 * index for index in rest), (f"further bits: {inputs}".strip(),)))
    others = n_reads - _reads(of.bsd, np.array(nodes, np.int64) - of.first)
    results = _results(of, unit, inside, {index for index in nodes if others[index]})
    says = [f"use {use['use']}: {use['outputs']} where {use['where']}" for use in unit["uses"]]
    return SharedUnit(int(unit["unit"]), tuple(nodes), tuple(operands), tuple(results), tuple(says))


def _operands(of: Inspection, unit: dict[str, Any]) -> list[Word]:
    """Operands word by word, the widest first."""
    tables = of.model.extra["unit_operand"], of.model.extra["unit_choice"]
    operand, choice = (table[table[:, 0] == unit["unit"]] for table in tables)
    literal = {int(v): int(x) for _, v, x in operand if x >= 0}
    variables = words(of, sorted({int(v) for v in choice[:, 2]}))
    pairs = sorted(zip(variables, unit["operands"], strict=True), key=lambda pair: -len(pair[0]))
    found = []
    for number, (word, said) in enumerate(pairs):
        uses = (f"{c['is']} in use {' '.join(map(str, c['uses']))}" for c in said["choices"])
        name = _LETTERS[number] if number < len(_LETTERS) else f"w{number}"
        found.append(Word(name, tuple(literal.get(variable) for variable in word), tuple(uses)))
    return found


def _results(of: Inspection, unit: dict[str, Any], inside: set[int], read: set[int]) -> list[Word]:
    """Functions of the context that a unit is from (y), and what else of it is read elsewhere (z)."""
    output = of.model.extra["unit_output"]
    base = of.model.extra["unit_base"][unit["unit"]]
    output = output[(output[:, 0] == unit["unit"]) & (output[:, 1] == base)]
    functions: dict[int, tuple[int, int]] = {}  # literal and output by index
    for _, _, position, literal in output[np.argsort(output[:, 2])].tolist():
        if literal >> 1 in inside:
            functions.setdefault(literal >> 1, (literal, position))
    further = sorted(read - functions.keys())
    found = []
    if functions:
        made = of.names.outputs(position for _, position in functions.values())
        found.append(Word("y", tuple(literal for literal, _ in functions.values()), (f"{made} in use 1",)))
    if further:
        found.append(Word("z", tuple(2 * index for index in further), ("nodes that others read",)))
    return found


def children(bsd: Bsd, nodes: Iterable[int]) -> set[int]:
    """Indices that some nodes (indices) read."""
    at = np.fromiter(nodes, np.int64) - 1 - bsd.n_inputs
    return {int(index) for column in (bsd.guard, bsd.low, bsd.high) for index in np.unique(column[at] >> 1)}
