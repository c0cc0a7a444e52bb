"""Does a fault change the function, where anything is specified of it? Asked of the engines of the proof.

``abc`` gets the miter of `bsdgen.prove.miter` on the outputs that the fault reaches (the others are those of
the netlist without it, which is proved before). ``sat`` is the sweep of `bsdgen.circuit.sweep` over
specification and netlist, made once; of each fault only its cone is added, and its nodes are compared with
those of the netlist, its outputs with the specification. Vectors only tell which output is asked first.
"""

import copy
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bsdgen.bits import U64, from_bool, n_words
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.circuit.equivalence import Engine, abc_equal
from bsdgen.circuit.sweep import Groups, Solver, reduce_graph
from bsdgen.errors import CheckFailed, ToolTimeout
from bsdgen.mutate.faults import Fault, faulty, made
from bsdgen.mutate.simulation import Vectors
from bsdgen.mutate.vectors import directed
from bsdgen.prove.miter import miter
from bsdgen.spec.graph import Specification

EQUAL, DIFFERS, UNDECIDED = "equal", "differs", "undecided"

_CONFLICTS = 2000  # effort for one internal pair
_SLICE = 20_000  # conflicts between two looks at the clock
_SIGNATURE = 1 << 13  # assignments by which nodes that may have stayed equal are told


@dataclass(frozen=True, eq=False)
class Decision:
    """What the engines say of a fault.

    Attributes
    ----------
    verdicts : equal, differs or undecided, by engine.
    witness : an assignment on which the fault is wrong, packed, shape (n_words(n_inputs),), or None.
    output : an output that is wrong there, or -1.
    seconds : by engine.
    """

    verdicts: dict[Engine, str]
    witness: U64 | None
    output: int
    seconds: dict[Engine, float]


def reached(aig: Aig, fault: Fault) -> list[int]:
    """Outputs whose cone has a gate that the fault changes."""
    first = 1 + aig.n_inputs
    touched = np.zeros(first + aig.n_ands, np.bool_)
    changed = {edit.gate for edit in fault.edits}
    x, y = aig.fanin0 >> 1, aig.fanin1 >> 1
    for gate in range(min(changed), aig.n_ands):
        touched[first + gate] = gate in changed or touched[x[gate]] or touched[y[gate]]
    return [int(position) for position in np.flatnonzero(touched[aig.outputs >> 1])]


class Decider:
    """Asks the engines about faults of one graph.

    Parameters
    ----------
    specification, aig : the graph is proved to be what is specified.
    """

    def __init__(self, specification: Specification, aig: Aig) -> None:
        self.specification = specification
        self.aig = aig

    def decide(self, fault: Fault, engines: tuple[Engine, ...], limit_s: float) -> Decision:
        """Ask each engine, for at most `limit_s` seconds.

        Raises
        ------
        CheckFailed
            An engine gives an assignment on which nothing differs.
        """
        verdicts: dict[Engine, str] = {}
        seconds: dict[Engine, float] = {}
        witness, output = None, -1
        if "sat" in engines:
            _ = self._reduced  # made once, at nobody's cost
        for engine in engines:
            begun = time.perf_counter()
            if engine == "sat":
                verdicts[engine], witness, output = self._sat(fault, limit_s)
            else:
                verdicts[engine] = self._abc(fault, limit_s)
            seconds[engine] = round(time.perf_counter() - begun, 4)
        return Decision(verdicts, witness, output, seconds)

    def _abc(self, fault: Fault, limit_s: float) -> str:
        whole = self.specification.whole
        pair = miter(self.specification, faulty(self.aig, fault), whole, reached(self.aig, fault))
        if not pair.positions:
            return EQUAL
        try:
            return EQUAL if abc_equal(pair.learned, pair.specified, timeout_s=limit_s) else DIFFERS
        except ToolTimeout:
            return UNDECIDED

    @cached_property
    def _vectors(self) -> Vectors:
        rng = np.random.default_rng(0)
        n = self.aig.n_inputs
        some = rng.integers(0, 2**64, (n, _SIGNATURE // 64), np.uint64, endpoint=False)
        drawn = next(directed(self.specification.schema, 0, _SIGNATURE))
        return Vectors(self.specification, self.aig, np.concatenate([some, drawn], axis=1))

    @cached_property
    def _reduced(self) -> tuple[AigBuilder, list[int], list[int], list[int]]:
        """Specification and graph in one reduced graph: it, care and specified outputs, and every node."""
        n, of = self.aig.n_inputs, self.specification
        builder = AigBuilder(n)
        variables = of.whole.variables(n)
        inside = of.whole.condition(builder, variables)
        care = [builder.and_(inside, literal) for literal in copy_into(builder, of.care, variables)]
        values = copy_into(builder, of.values, variables)
        every = np.arange(0, 2 * (1 + n + self.aig.n_ands), 2, dtype=np.int32)
        nodes = copy_into(builder, Aig(n, self.aig.fanin0, self.aig.fanin1, every), variables)
        wanted = [builder.and_(c, v) for c, v in zip(care, values, strict=True)]
        ours = [nodes[output >> 1] ^ (output & 1) for output in self.aig.outputs.tolist()]
        got = [builder.and_(c, v) for c, v in zip(care, ours, strict=True)]
        joint = builder.build([*care, *wanted, *nodes, *got])
        reduced = AigBuilder(n)
        solver = Solver(reduced)
        try:
            image, _ = reduce_graph(joint, Groups(joint, np.random.default_rng(0)), reduced, solver)
        finally:
            solver.close()
        final = [image[literal >> 1] ^ (literal & 1) for literal in joint.outputs.tolist()]
        m = len(care)
        return reduced, final[:m], final[m : 2 * m], final[2 * m : 2 * m + len(nodes)]

    def _sat(self, fault: Fault, limit_s: float) -> tuple[str, U64 | None, int]:
        reduced, care, wanted, nodes = self._reduced
        graph = copy.deepcopy(reduced)
        solver = Solver(graph)
        seen = self._vectors.see(fault, stop=False)
        end = time.monotonic() + limit_s
        try:
            # Where vectors see a difference, that output is asked first: no node needs to be compared for it.
            literal = self._cone(fault, graph, nodes, None, solver, end)
            for sure in (True, False):
                if not sure:
                    literal = self._cone(fault, graph, nodes, seen.nodes, solver, end)
                open_ = False
                for position, output in enumerate(self.aig.outputs.tolist()):
                    if literal[output >> 1] == nodes[output >> 1] or (sure and not seen.outputs[position]):
                        continue
                    value = graph.and_(care[position], literal[output >> 1] ^ (output & 1))
                    answer = _equal(solver, value, wanted[position], end)
                    if answer is False:
                        return DIFFERS, self._checked(fault, solver, position), position
                    open_ |= answer is None
                    if sure:
                        # Vectors saw it; whatever the solver says of this one output stands.
                        return (UNDECIDED if answer is None else EQUAL), None, -1
            return (UNDECIDED if open_ else EQUAL), None, -1
        finally:
            solver.close()

    def _cone(
        self,
        fault: Fault,
        graph: AigBuilder,
        nodes: list[int],
        changed: np.ndarray | None,
        solver: Solver,
        end: float,
    ) -> list[int]:
        """Literals of all nodes with the fault; those that no vector saw changed are proved equal if they
        are (`changed` None: not tried)."""
        literal = list(nodes)
        first = 1 + self.aig.n_inputs
        edits = {edit.gate: edit for edit in fault.edits}
        fanins = zip(self.aig.fanin0.tolist(), self.aig.fanin1.tolist(), strict=True)
        for gate, (a, b) in enumerate(fanins):
            index = first + gate
            if gate in edits:
                literal[index] = made(graph, edits[gate], literal)
            elif literal[a >> 1] != nodes[a >> 1] or literal[b >> 1] != nodes[b >> 1]:
                literal[index] = graph.and_(literal[a >> 1] ^ (a & 1), literal[b >> 1] ^ (b & 1))
            if changed is None or changed[index] or literal[index] == nodes[index]:
                continue
            if time.monotonic() < end and solver.equal(literal[index], nodes[index], _CONFLICTS):
                literal[index] = nodes[index]
        return literal

    def _checked(self, fault: Fault, solver: Solver, position: int) -> U64:
        """The solver's assignment, after a look whether the output is wrong there."""
        bits = solver.assignment()
        for variable, value in self.specification.whole.cube:
            bits[variable] = value
        row = from_bool(bits[None])[:, : n_words(self.aig.n_inputs)]
        graphs = (faulty(self.aig, fault), self.specification.values, self.specification.care)
        got, wanted, care = (int(g.evaluate(row)[0, position // 64]) >> position % 64 & 1 for g in graphs)
        if got == wanted or not care:
            raise CheckFailed("sat: gives an assignment on which the graphs do not differ; report this")
        packed: U64 = row[0]
        return packed


def _equal(solver: Solver, a: int, b: int, end: float) -> bool | None:
    """Whether two literals are equal; None when the time is over."""
    if a == b:
        return True
    while True:
        answer = solver.equal(a, b, _SLICE)
        if answer is not None or time.monotonic() >= end:
            return answer


_known: dict[str, Decider] = {}


def decide_all(
    key: str,
    specification: Specification,
    aig: Aig,
    faults: tuple[Fault, ...],
    engines: tuple[Engine, ...],
    limit_s: float,
) -> list[Decision]:
    """Decide some faults in a process that keeps what it needs for others of the same `key`."""
    if key not in _known:
        _known.clear()
        _known[key] = Decider(specification, aig)
    return [_known[key].decide(fault, engines, limit_s) for fault in faults]
