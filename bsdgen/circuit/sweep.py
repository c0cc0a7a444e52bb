"""Equivalence by SAT sweeping, built without ABC: an opinion independent of its ``cec``.

Both graphs go into one structurally hashed graph, so that what looks alike is alike. Random simulation groups
the nodes that may be equal or complementary. Then a reduced graph is built, children before parents: a node
that may equal an earlier one is compared with it by SAT and, if proved, replaced (Kuehlmann, *Dynamic
transition relation simplification for bounded property checking*, 2004). A refuted pair gives an assignment
that splits the groups. What is left of the outputs is asked of the solver exactly and without a limit.
"""

import math
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, from_bool, n_words
from bsdgen.circuit.aig import Aig, AigBuilder, copy_into
from bsdgen.errors import ToolError, ToolTimeout

_WORDS = 64  # first simulation: 4,096 random assignments
_BATCH = 16  # counterexamples gathered before the groups are split again
_CONFLICTS = 2000  # effort for one internal pair; outputs have no limit
_SLICE = 20_000  # conflicts between two looks at the clock
_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class Difference:
    """An assignment on which two graphs differ.

    Attributes
    ----------
    inputs : uint64, shape (n_words(n_inputs),), packed.
    output : position of one output that differs.
    """

    inputs: U64
    output: int


@dataclass(frozen=True)
class SweepStats:
    """What a sweep took: nodes of the joint graph, SAT calls, internal pairs proved, refuted and given up."""

    nodes: int
    calls: int
    proved: int
    refuted: int
    unknown: int


class Solver:
    """Incremental Tseitin encoding of a growing graph: a cone's clauses come when it is first asked for.

    Parameters
    ----------
    graph : may grow.
    timeout_s : wall time from now on, after which `equal` raises ToolTimeout.
    """

    def __init__(self, graph: AigBuilder, timeout_s: float = math.inf) -> None:
        try:
            from pysat.solvers import Solver
        except ImportError as error:
            raise ToolError("python-sat is missing; install it with `pip install python-sat`") from error
        self.end = monotonic() + timeout_s
        self.timeout_s = timeout_s
        self.graph = graph
        self.first = 1 + graph.n_inputs
        self.calls = 0
        self.loaded: set[int] = set()
        self.solver = Solver(name="glucose4")
        self.solver.add_clause([-1])  # the solver's variable is index + 1; index 0 is FALSE

    def close(self) -> None:
        """Give its memory back."""
        self.solver.delete()

    @staticmethod
    def literal(literal: int) -> int:
        """The solver's name of a literal."""
        variable = (literal >> 1) + 1
        return -variable if literal & 1 else variable

    def _load(self, index: int) -> None:
        stack = [index]
        while stack:
            node = stack.pop()
            if node < self.first or node in self.loaded:
                continue
            self.loaded.add(node)
            a, b = self.graph.fanins(node)
            out, x, y = node + 1, self.literal(a), self.literal(b)
            for clause in ([-out, x], [-out, y], [out, -x, -y]):
                self.solver.add_clause(clause)
            stack += [a >> 1, b >> 1]

    def equal(self, a: int, b: int, conflicts: int = 0) -> bool | None:
        """Whether two literals are equal; None when the effort (0: no limit) was used up.

        Raises
        ------
        ToolTimeout
            The solver's time is over.
        """
        self._load(a >> 1)
        self._load(b >> 1)
        x, y = self.literal(a), self.literal(b)
        for assumptions in ([x, -y], [-x, y]):
            self.calls += 1
            answer = None
            while answer is None:
                if monotonic() > self.end:
                    raise ToolTimeout(f"the SAT engine gave no answer within {self.timeout_s:g} s")
                self.solver.conf_budget(conflicts or _SLICE)
                answer = self.solver.solve_limited(assumptions=assumptions)
                if conflicts:
                    break
            if answer is None:
                return None
            if answer:
                return False
        return True

    def assignment(self) -> NDArray[np.bool_]:
        """Inputs of the last satisfying assignment; those it does not mention are 0."""
        model = self.solver.get_model()
        inputs = np.zeros(self.graph.n_inputs, np.bool_)
        known = max(0, min(self.graph.n_inputs, len(model) - 1))
        inputs[:known] = np.array(model[1 : 1 + known]) > 0
        return inputs


class Groups:
    """Nodes that no assignment so far tells apart, complements counted as alike.

    A node's signature is a running hash of its simulated words, its phase the value in the very first
    assignment. A clash of hashes costs one SAT call, no more.
    """

    def __init__(self, aig: Aig, rng: np.random.Generator) -> None:
        self.aig = aig
        self.rng = rng
        self.waiting: list[NDArray[np.bool_]] = []
        value = aig.simulate(rng.integers(0, 2**64, (aig.n_inputs, _WORDS), np.uint64, endpoint=False))
        self.phase = value[:, 0] & np.uint64(1)
        self.hash = np.zeros(value.shape[0], np.uint64)
        self._split(value)

    def _split(self, value: U64) -> None:
        normal = value ^ (self.phase * _ONES)[:, None]
        for word in range(normal.shape[1]):
            self.hash = (self.hash ^ normal[:, word]) * np.uint64(0x9E3779B97F4A7C15)
            self.hash ^= self.hash >> np.uint64(29)
        _, first, inverse = np.unique(self.hash, return_index=True, return_inverse=True)
        self.leader = first[inverse].tolist()

    def candidate(self, index: int) -> int | None:
        """Literal of an earlier node that `index` may equal, or None."""
        leader = self.leader[index]
        return None if leader == index else 2 * leader + int(self.phase[index] ^ self.phase[leader])

    def refute(self, inputs: NDArray[np.bool_]) -> bool:
        """Keep a counterexample; True when enough were gathered and the groups were split."""
        self.waiting.append(inputs)
        if len(self.waiting) < _BATCH:
            return False
        rows = np.repeat(np.array(self.waiting), 64 // _BATCH * 4, axis=0)
        flips = self.rng.random(rows.shape) < 1 / 64
        flips[:: 64 // _BATCH * 4] = False  # the counterexample itself, then its neighbours
        self._split(self.aig.simulate(from_bool((rows ^ flips).T)))
        self.waiting = []
        return True


def _joint(a: Aig, b: Aig) -> tuple[Aig, list[int], list[int]]:
    builder = AigBuilder(a.n_inputs)
    inputs = list(range(2, 2 * (1 + a.n_inputs), 2))
    outputs_a, outputs_b = copy_into(builder, a, inputs), copy_into(builder, b, inputs)
    # Build keeps what some output reaches and renumbers it, so the outputs are read back from it.
    joint = builder.build(outputs_a + outputs_b)
    outputs = joint.outputs.tolist()
    return joint, outputs[: a.n_outputs], outputs[a.n_outputs :]


def sweep(
    a: Aig, b: Aig, rng: np.random.Generator | None = None, *, timeout_s: float = math.inf
) -> tuple[Difference | None, SweepStats]:
    """Prove two graphs equal or find an assignment on which they differ.

    Parameters
    ----------
    a, b : graphs with the same numbers of inputs and outputs.
    rng : source of the simulated assignments; the answer does not depend on it, the effort does.
    timeout_s : wall time of the solver.

    Raises
    ------
    ToolTimeout
        It gives no answer in time.
    ToolError
        python-sat is missing.
    """
    differences, stats = _sweep(a, b, rng, first=True, timeout_s=timeout_s)
    return (differences[0] if differences else None), stats


def sweep_all(a: Aig, b: Aig, rng: np.random.Generator | None = None) -> tuple[list[Difference], SweepStats]:
    """As `sweep`, for every output: an assignment for each that differs; the others are proved equal."""
    return _sweep(a, b, rng, first=False, timeout_s=math.inf)


def _sweep(
    a: Aig, b: Aig, rng: np.random.Generator | None, first: bool, timeout_s: float
) -> tuple[list[Difference], SweepStats]:
    joint, outputs_a, outputs_b = _joint(a, b)
    if outputs_a == outputs_b:  # one structure: nothing is left to ask
        return [], SweepStats(joint.n_ands, 0, 0, 0, 0)
    groups = Groups(joint, rng or np.random.default_rng(0))
    reduced = AigBuilder(joint.n_inputs)
    solver = Solver(reduced, timeout_s)
    found: list[Difference] = []
    try:
        image, counts = reduce_graph(joint, groups, reduced, solver)

        def final(literal: int) -> int:
            return image[literal >> 1] ^ (literal & 1)

        for position, (x, y) in enumerate(zip(outputs_a, outputs_b, strict=True)):
            if final(x) != final(y) and not solver.equal(final(x), final(y)):
                packed = from_bool(solver.assignment()[None, :])[0, : n_words(joint.n_inputs)]
                found.append(Difference(packed, position))
                if first:
                    break
        return found, SweepStats(joint.n_ands, solver.calls, *counts)
    finally:
        solver.close()


def reduce_graph(
    joint: Aig, groups: Groups, reduced: AigBuilder, solver: Solver
) -> tuple[list[int], tuple[int, int, int]]:
    """Reduced literal of every index of `joint`, and how many pairs were proved, refuted, given up."""
    first = 1 + joint.n_inputs
    image = list(range(0, 2 * first, 2))
    alias: dict[int, int] = {}  # reduced index -> literal that it was proved to equal
    proved = refuted = unknown = 0
    for i, (a, b) in enumerate(zip(joint.fanin0.tolist(), joint.fanin1.tolist(), strict=True)):
        made = reduced.and_(image[a >> 1] ^ (a & 1), image[b >> 1] ^ (b & 1))
        made = alias.get(made >> 1, made & ~1) ^ (made & 1)
        while (candidate := groups.candidate(first + i)) is not None:
            other = image[candidate >> 1] ^ (candidate & 1)
            if made == other:
                break
            answer = solver.equal(made, other, _CONFLICTS)
            if answer:
                proved += 1
                alias[made >> 1] = other ^ (made & 1)
                made = other
                break
            if answer is None:
                unknown += 1
                break
            refuted += 1
            if not groups.refute(solver.assignment()):
                break
        image.append(made)
    return image, (proved, refuted, unknown)
