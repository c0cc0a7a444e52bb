"""Which speculation a counterexample refutes.

Along the path that a row takes through the diagram, every step says that the function so far, at this row, is
the next function: an output in a context is a known function, a cofactor is a function found elsewhere, or a
terminal. The oracle is asked for both sides of every step. Since the path ends with a wrong value, at least
one step changes it: that claim is refuted (Rivest and Schapire, Information and Computation 103, 1993).
"""

from dataclasses import dataclass, replace

import numpy as np

from bsdgen.bits import U64
from bsdgen.learn.contexts import Context
from bsdgen.learn.functions import FunctionTable, set_bit
from bsdgen.learn.ledger import I64, Kind, Ledger, Status, claims
from bsdgen.learn.product import Attempt
from bsdgen.learn.queries import Queries
from bsdgen.learn.tree import DONT_CARE, TreeNode


@dataclass(frozen=True, eq=False)
class Step:
    """On row number `row`, output `output` inside the cube is said to be `literal` of the function table."""

    row: int
    output: int
    mask: U64
    value: U64
    literal: int


@dataclass(frozen=True, eq=False)
class Turn:
    """On row number `row`, a function guard leads from context `above` to its half `below`."""

    row: int
    output: int
    above: int
    below: int


def refuted(attempt: Attempt, rows: U64, queries: Queries, number: int) -> Ledger:
    """The claims that counterexamples refute, each once.

    Parameters
    ----------
    attempt : the diagram and what it was made from.
    rows : uint64, shape (n, w)
        Rows on which it is wrong.
    queries : the oracle.
    number : of the round of refinement.
    """
    outputs, care = queries.ask(rows)
    wrong = (attempt.assembly.bsd.evaluate(rows) ^ outputs) & care
    walk = Walk(attempt.table, attempt.tree, rows)
    for row in np.flatnonzero(wrong.any(axis=1)).tolist():
        bits = np.flatnonzero(np.unpackbits(wrong[row].view(np.uint8), bitorder="little"))
        walk.follow(row, int(bits[row % bits.shape[0]]))
    bad = judged(walk.steps, attempt.table, rows, queries, number)
    return bad.joined(_bad_guards(walk, rows, queries, number))


def edge(table: FunctionTable, index: int, branch: int, row: int = 0) -> Step:
    """What the table says that a cofactor is, on row number `row`."""
    of = table.at(index)
    mask = set_bit(of.mask, of.variable)
    value = set_bit(of.value, of.variable) if branch else of.value
    return Step(row, of.output, mask, value, (of.high if branch else of.low) ^ of.complement)


class Walk:
    """Paths through tree and table."""

    def __init__(self, table: FunctionTable, tree: list[TreeNode], rows: U64) -> None:
        self.table, self.tree, self.rows = table, tree, rows
        self.steps: list[Step] = []
        self.turns: list[Turn] = []

    def follow(self, row: int, output: int) -> int:
        """Note every step of an output's path; the value at its end, which is what the diagram says."""
        at = 0
        while output not in self.tree[at].known:
            node = self.tree[at]
            if node.bound is not None:
                phi = node.bound
                literal = node.guard ^ phi.inverted
                high = self._down(Step(row, phi.output, phi.phi_mask, phi.phi_value, literal)) ^ phi.inverted
                self.turns.append(Turn(row, output, at, node.high if high else node.low))
            else:
                high = self._bit(row, (node.guard >> 1) - 1) ^ (node.guard & 1)
            at = node.high if high else node.low
        context = self.tree[at].context
        return self._down(Step(row, output, context.mask, context.value, self.tree[at].known[output]))

    def _down(self, step: Step) -> int:
        """Note the steps from a claim down to a terminal; the value there."""
        inverted = 0
        while True:
            self.steps.append(step)
            index, sign = step.literal >> 1, step.literal & 1
            if step.literal == DONT_CARE:
                return 0
            if index <= self.table.n_inputs:
                value = self._bit(step.row, index - 1) if index else 0
                return value ^ sign ^ inverted
            of = self.table.at(index)
            bit = self._bit(step.row, of.variable)
            mask = set_bit(of.mask, of.variable)
            inverted ^= sign ^ of.complement
            literal = (of.high if bit else of.low) ^ of.complement
            step = Step(
                step.row, of.output, mask, set_bit(of.value, of.variable) if bit else of.value, literal
            )

    def _bit(self, row: int, variable: int) -> int:
        return int(self.rows[row, variable >> 6]) >> (variable & 63) & 1


def differing(steps: list[Step], table: FunctionTable, rows: U64, queries: Queries) -> list[int]:
    """Steps whose two sides differ on their rows, by position."""
    said, care = _ask(queries, rows, [(s.row, s.output, s.mask, s.value) for s in steps])
    merged = [i for i, s in enumerate(steps) if s.literal >> 1 > table.n_inputs]
    functions = {i: table.at(steps[i].literal >> 1) for i in merged}
    other, _ = _ask(queries, rows, [(steps[i].row, f.output, f.mask, f.value) for i, f in functions.items()])
    is_ = np.zeros(len(steps), np.int64)
    for position, (i, function) in enumerate(functions.items()):
        is_[i] = other[position] ^ function.complement ^ (steps[i].literal & 1)
    for i, s in enumerate(steps):
        index = s.literal >> 1
        if s.literal == DONT_CARE:
            is_[i] = said[i] ^ care[i]  # wrong where it is cared for
        elif index <= table.n_inputs:
            bit = int(rows[s.row, index - 1 >> 6]) >> (index - 1 & 63) & 1 if index else 0
            is_[i] = bit ^ (s.literal & 1)
    return [int(i) for i in np.flatnonzero(said != is_)]


def judged(steps: list[Step], table: FunctionTable, rows: U64, queries: Queries, number: int) -> Ledger:
    """Steps whose two sides differ, each claim once, as records."""
    first: dict[bytes, int] = {}
    for i in differing(steps, table, rows, queries):
        s = steps[i]
        key = s.output.to_bytes(4, "little") + s.mask.tobytes() + s.value.tobytes()
        first.setdefault(key + s.literal.to_bytes(8, "little", signed=True), i)
    return given_up(table, [steps[i] for i in first.values()], number, queries.w_in, rows)


def _ask(queries: Queries, rows: U64, of: list[tuple[int, int, U64, U64]]) -> tuple[I64, I64]:
    """Value and care of output bits inside cubes, each (row number, output, mask, value)."""
    if not of:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    row, output = (np.array([item[k] for item in of], np.int64) for k in (0, 1))
    mask, value = (np.array([item[k] for item in of], np.uint64) for k in (2, 3))
    answers = queries.ask((rows[row] & ~mask) | value)
    shift, at = (output & 63).astype(np.uint64), (np.arange(len(of)), output >> 6)
    bits, care = (((answer[at] >> shift) & np.uint64(1)).astype(np.int64) for answer in answers)
    return bits, care


def _bad_guards(walk: Walk, rows: U64, queries: Queries, number: int) -> Ledger:
    """Function guards that led to the right half, where the output is another nevertheless."""
    turns, tree = walk.turns, walk.tree
    sides = [
        [
            (t.row, t.output, tree[at].context.mask, tree[at].context.value)
            for t, at in zip(turns, of, strict=True)
        ]
        for of in ([t.above for t in turns], [t.below for t in turns])
    ]
    guards = [tree[t.above].bound for t in turns]
    phi = [
        (t.row, g.output, g.phi_mask, g.phi_value)
        for t, g in zip(turns, guards, strict=True)
        if g is not None
    ]
    (above, care), (below, _), (true, _) = (_ask(queries, rows, of) for of in (*sides, phi))
    first: dict[int, int] = {}
    for i, (turn, guard) in enumerate(zip(turns, guards, strict=True)):
        assert guard is not None
        high = turn.below == tree[turn.above].high
        if care[i] and above[i] != below[i] and bool(true[i] ^ guard.inverted) == high:
            first.setdefault(turn.above, i)
    return guard_records(
        tree, list(first), number, rows[[turns[i].row for i in first.values()]], queries.w_out
    )


def guard_records(tree: list[TreeNode], contexts: list[int], number: int, witness: U64, w_out: int) -> Ledger:
    """Records of function guards that were given up in round `number`, each with the row that refutes it."""
    n, w = witness.shape
    cubes = [tree[at].context for at in contexts]
    bound = [guard for at in contexts if (guard := tree[at].bound) is not None]
    outputs = np.zeros((n, w_out), np.uint64)
    for row, context in enumerate(cubes):
        for output in context.outputs.tolist():
            if output not in tree[contexts[row]].known:
                outputs[row, output >> 6] |= np.uint64(1) << np.uint64(output & 63)
    mask, value = (np.array(c, np.uint64).reshape(-1, w) for c in _cubes(cubes))
    return replace(
        claims(Kind.GUARD, np.full(n, -1, np.int32), (mask, value), np.full(n, -1, np.int32)),
        status=np.full(n, Status.REFUTED, np.uint8),
        round=np.full(n, number, np.int32),
        guards=np.arange(n, dtype=np.int32),
        guard_set=np.array([guard.mask for guard in bound], np.uint64).reshape(-1, w),
        guard_assignments=np.array([guard.assignments for guard in bound], np.uint64).reshape(-1, 2, w),
        guard_outputs=outputs,
        witnesses=np.arange(n, dtype=np.int32),
        witness=witness,
    )


def _cubes(of: list[Step] | list[Context]) -> tuple[list[U64], list[U64]]:
    return [item.mask for item in of], [item.value for item in of]


def given_up(table: FunctionTable, steps: list[Step], number: int, w: int, rows: U64 | None = None) -> Ledger:
    """Records of claims that were given up in round `number`; `rows` (n, `w`) refute them, if given."""
    literal = np.array([s.literal for s in steps], np.int64)
    index = literal >> 1
    node = index > table.n_inputs
    kind = np.where(index == 0, Kind.CONSTANT, np.where(node, Kind.MERGE, Kind.VARIABLE))
    kind = np.where(literal == DONT_CARE, Kind.UNCARED, kind)
    mask, value = (np.array(column, np.uint64).reshape(-1, w) for column in _cubes(steps))
    target = np.where(node | (literal < 0), -1, literal)
    ledger = claims(
        kind.astype(np.uint8),
        np.array([s.output for s in steps], np.int32),
        (mask, value),
        target.astype(np.int32),
    )
    partners = [table.at(int(i)) for i in index[node]]
    signs = literal[node] & 1
    inverted = [p.complement ^ bool(sign) for p, sign in zip(partners, signs, strict=True)]
    ledger = replace(
        ledger,
        status=np.full(len(steps), Status.REFUTED, np.uint8),
        round=np.full(len(steps), number, np.int32),
        partners=np.flatnonzero(node).astype(np.int32),
        partner_output=np.array([p.output for p in partners], np.int32),
        partner_mask=np.array([p.mask for p in partners], np.uint64).reshape(-1, w),
        partner_value=np.array([p.value for p in partners], np.uint64).reshape(-1, w),
        partner_inverted=np.array(inverted, np.uint8),
    )
    if rows is None:
        return ledger
    witness = rows[[s.row for s in steps]]
    return replace(ledger, witnesses=np.arange(len(steps), dtype=np.int32), witness=witness)
