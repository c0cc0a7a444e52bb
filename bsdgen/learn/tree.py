"""Growing the control tree and expanding its leaves.

The tree is grown depth first, and a leaf is expanded at once, so that later contexts find the functions of
earlier ones: an output that is already known inside a context needs nothing more there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.bound import Guard, find_guard
from bsdgen.learn.config import LearnConfig
from bsdgen.learn.contexts import Context, control_variable, largest_gain, measure
from bsdgen.learn.functions import FunctionTable, canonical
from bsdgen.learn.hint import Hint
from bsdgen.learn.layers import UNLIMITED, Effort, Expander
from bsdgen.learn.queries import Queries

I64 = NDArray[np.int64]
_SECOND_TRY = 12  # as before, for the comparison with a split
_SPLIT_BONUS = 1.25  # a split may look this much larger than a leaf: its halves may be split again
_LAST_RESORT = 64  # functions an output beyond which even a context without a control variable is split
_ANY_LEAF = 16384  # or so many functions in all
_FAT = 2.5  # functions an open output from which on a leaf is compared with a split
_NARROW = 1.4  # functions an output that are open at once in a leaf that may cost half as much again
_WIDE = 2  # functions an output that may be open at once when a leaf is tried against a sure gain
_LARGE_HALF = 0.85  # of a leaf's functions: a split with a larger half is not looked at to its end
DONT_CARE = -1
_SURE_GAIN = 0.25  # a control variable with at least this gain is split on without trying a leaf first
_LIKELY_GAIN = 0.19  # with at least this gain no leaf is tried, but a function guard is looked for
_OUTGROWN = 2  # times the functions that a leaf was decided with,
_OUTGROWN_BY = 64  # and so many more, make it be decided anew
_FEW = 8  # with so few different functions a context is a leaf
_LEAF_BUDGET = 6  # functions an output that a leaf may cost before a less sure split is made


@dataclass
class TreeNode:
    """A context with what is settled there and how the rest is split.

    known: literal (or `DONT_CARE`) by output bit; guard: literal in the function table, 0 for a leaf; bound:
    the function guard that it is split on, if it is.
    """

    context: Context
    known: dict[int, int] = field(default_factory=dict)
    guard: int = 0
    low: int = -1
    high: int = -1
    bound: Guard | None = None


def _constant(values: U64, care: U64) -> int | None:
    """Literal of the constant that an output is wherever it is cared for, None if it is none."""
    if not (values & care).any():
        return 0
    return None if (~values & care).any() else 1


@dataclass(frozen=True)
class Decision:
    """How a context was split: on a variable, on a function, or not at all (a leaf).

    size : functions that the leaf added when it was decided; 0 if it is not known.
    """

    variable: int = -1
    guard: Guard | None = None
    size: int = 0

    @property
    def is_leaf(self) -> bool:
        """Whether the context is not split."""
        return self.variable < 0 and self.guard is None

    def __str__(self) -> str:
        if self.guard is not None:
            return f"split on a function of {int(np.bitwise_count(self.guard.mask).sum())} variables"
        return f"split on variable {self.variable}" if self.variable >= 0 else "leaf"


class TreeGrower:
    """Grows one control tree over one table of functions."""

    def __init__(
        self,
        queries: Queries,
        table: FunctionTable,
        expander: Expander,
        bank: U64,
        config: LearnConfig,
        decisions: dict[bytes, Decision],
        hints: Mapping[bytes, Hint],
    ) -> None:
        self.queries = queries
        self.table = table
        self.expander = expander
        self.bank = bank
        self.rows = bank[: min(1024, 8 * config.n_sensitivity)]
        self.config = config
        self.decisions = decisions
        self.hints = hints
        self.nodes: list[TreeNode] = []
        self.settled = len(table)  # functions of the contexts that are done; an expansion under way adds more
        self.tell: Callable[[str, str], None] | None = None

    def grow(self, root: Context) -> None:
        """Grow the tree from `root`; `nodes[0]` is its root, parents before children."""
        self.nodes = [TreeNode(root)]
        stack = [0]
        while stack:
            self.settled = len(self.table)
            at = stack.pop()
            node = self.nodes[at]
            context, signatures = self._settle(node)
            if not context.outputs.shape[0]:
                continue
            decision = self._decide(context, signatures)
            if self.tell is not None:
                self.tell(
                    "contexts",
                    f"{len(self.nodes)} contexts, {context.outputs.shape[0]} open outputs, {decision}",
                )
            if decision.guard is not None:
                node.guard, node.bound = self._guard_literal(decision.guard), decision.guard
                halves = [_fixed(context, decision.guard, bit) for bit in (0, 1)]
            elif decision.variable >= 0:
                node.guard = 2 * (1 + decision.variable)
                halves = [context.with_literal(decision.variable, bit) for bit in (0, 1)]
            else:
                self._leaf(node, context, signatures, UNLIMITED)
                if not decision.size:
                    size = len(self.table) - self.settled
                    self.decisions[_key(context)] = replace(decision, size=max(1, size))
                continue
            node.low, node.high = len(self.nodes), len(self.nodes) + 1
            self.nodes += [TreeNode(half) for half in halves]
            stack += [node.high, node.low]

    def _settle(self, node: TreeNode) -> tuple[Context, U64]:
        """Note outputs that are constant, known or not cared for; the others and their signatures."""
        context = node.context
        values, care = self.queries.all_outputs(self.bank, context.mask, context.value)
        left = []
        for output in context.outputs:
            if not care[output].any():
                node.known[int(output)] = DONT_CARE
                continue
            literal = self.table.find(values[output])
            if literal is None:
                literal = _constant(values[output], care[output])
            if literal is None:
                left.append(output)
            else:
                node.known[int(output)] = literal
        outputs = np.array(left, np.int64)
        return Context(context.mask, context.value, outputs), values[outputs]

    def _decide(self, context: Context, signatures: U64) -> Decision:
        """What was decided in an earlier round, while it holds: a leaf may turn out to be far larger."""
        decision = self.decisions.get(_key(context))
        if decision is not None and self._holds(decision, context, signatures):
            return decision
        self.decisions[_key(context)] = decision = self._new_decision(context, signatures)
        return decision

    def _holds(self, decision: Decision, context: Context, signatures: U64) -> bool:
        if decision.guard is not None:
            return decision.guard.holds(self.queries, self.bank, context)
        if not decision.is_leaf:
            return True
        # a leaf that is one again at least gets another order, found with more rows
        return self._try_leaf(context, signatures, Effort(_OUTGROWN * decision.size + _OUTGROWN_BY))

    def _new_decision(self, context: Context, signatures: U64) -> Decision:
        if context.outputs.shape[0] < 2 or not self.config.contexts:
            return self._only_leaf(context, signatures)
        hint = self.hints.get(_key(context))
        if hint is not None:
            return self._hinted(context, signatures, hint)
        sensitivity = measure(self.queries, self.rows, context)
        control = control_variable(self.queries, self.rows, context, sensitivity, self.config.control_gain)
        distinct = len({canonical(plane)[0].tobytes() for plane in signatures})
        narrow = int(_NARROW * distinct)
        if control is not None and (control[2] or (control[1] >= _SURE_GAIN and distinct > _FEW)):
            cheap = Effort(_LEAF_BUDGET * distinct, _WIDE * distinct, narrow)
            if not control[2] and self._slim_leaf(context, signatures, cheap, control[0]):
                return Decision()
            return Decision(variable=control[0])
        likely = control is not None and control[1] >= _LIKELY_GAIN and distinct > _FEW
        if not likely and distinct <= _FEW:
            return self._only_leaf(context, signatures)
        cheap = Effort(_LEAF_BUDGET * distinct, narrow=narrow)
        if not likely and self._slim_leaf(
            context, signatures, cheap, None if control is None else control[0]
        ):
            return Decision()
        if self.config.function_guards:
            guard, in_the_way = find_guard(self.queries, self.bank, context, sensitivity)
            if guard is not None:
                return Decision(guard=guard)
            if in_the_way is not None:
                return Decision(variable=in_the_way)
        if control is not None:
            worth = likely or self._split_is_smaller(context, signatures, control[0], _SECOND_TRY * distinct)
            return Decision(variable=control[0]) if worth else Decision()
        if self._try_leaf(context, signatures, Effort(max(_LAST_RESORT * distinct, _ANY_LEAF), careful=True)):
            return Decision()
        largest = largest_gain(sensitivity)
        return Decision() if largest is None else Decision(variable=largest)

    def _hinted(self, context: Context, signatures: U64, hint: Hint) -> Decision:
        """A split where whoever asks knows of one; a leaf if it is a slim one and that is not sure."""
        if hint.sure:
            return Decision(variable=hint.variable)
        distinct = len({canonical(plane)[0].tobytes() for plane in signatures})
        cheap = Effort(_LEAF_BUDGET * distinct, narrow=int(_NARROW * distinct))
        if self._slim_leaf(context, signatures, cheap, hint.variable):
            return Decision()
        return Decision(variable=hint.variable)

    def _slim_leaf(self, context: Context, signatures: U64, effort: Effort, control: int | None) -> bool:
        """Whether the context should be a leaf: `effort` is enough, and a split on `control` is not smaller.

        A split may look a quarter larger, as its halves may be split again. The leaf that was tried is kept
        or not; who grows the tree makes it either way.
        """
        before = len(self.table)
        if not self._try_leaf(context, signatures, effort):
            return False
        size = len(self.table) - before
        if control is None or size <= _FAT * context.outputs.shape[0]:
            return True
        restore = self.expander.forget(before)  # its functions would make the halves look small
        if self._halves_are_smaller(context, control, size):
            return False
        restore()
        return True

    def _only_leaf(self, context: Context, signatures: U64) -> Decision:
        """A leaf in any case; its order is by the careful rule if the plain one needs many functions."""
        if not self._try_leaf(context, signatures, Effort(_LAST_RESORT * (_FEW + context.outputs.shape[0]))):
            self._try_leaf(context, signatures, Effort(_ANY_LEAF, careful=True))
        return Decision()

    def _split_is_smaller(self, context: Context, signatures: U64, variable: int, limit: int) -> bool:
        """Whether two leaves, and a node for each output that differs, are smaller than one leaf."""
        whole = self._leaf_size(context, signatures, limit)
        return whole is None or self._halves_are_smaller(context, variable, whole)

    def _halves_are_smaller(self, context: Context, variable: int, whole: int) -> bool:
        """The same, of a leaf with `whole` functions."""
        size = 0
        known: list[dict[int, int]] = []
        for bit in (0, 1):
            node = TreeNode(context.with_literal(variable, bit))
            half, half_signatures = self._settle(node)
            known.append(node.known)
            if half.outputs.shape[0]:
                limit = min(int(_SPLIT_BONUS * whole) - size, int(_LARGE_HALF * whole))
                more = self._leaf_size(half, half_signatures, limit)
                if more is None:
                    return False
                size += more
        joins = sum(known[0].get(int(o), 1) != known[1].get(int(o), 0) for o in context.outputs)
        return size + joins < _SPLIT_BONUS * whole

    def _leaf_size(self, context: Context, signatures: U64, limit: int) -> int | None:
        """New functions that the context needs as a leaf, None beyond `limit`; nothing is kept."""
        before = len(self.table)
        done = limit > 0 and self._leaf(TreeNode(context), context, signatures, Effort(limit))
        size = len(self.table) - before
        self.expander.forget(before)
        return size if done else None

    def _try_leaf(self, context: Context, signatures: U64, effort: Effort) -> bool:
        """Expand the context as a leaf, unless that costs more than `effort`: then undo it."""
        before = len(self.table)
        if self._leaf(TreeNode(context), context, signatures, effort):
            return True
        self.expander.forget(before)
        return False

    def _leaf(self, node: TreeNode, context: Context, signatures: U64, effort: Effort) -> bool:
        ids: list[int] = []
        planes: list[U64] = []
        for output, signature in zip(context.outputs, signatures, strict=True):
            literal, _ = self.table.intern(int(output), context.mask, context.value, signature)
            if not self.table.expanded(literal >> 1) and literal >> 1 not in ids:
                ids.append(literal >> 1)
                planes.append(signature)
            node.known[int(output)] = literal
        if not ids:
            return True
        return self.expander.expand(ids, np.array(planes), _key(context), effort)

    def _guard_literal(self, guard: Guard) -> int:
        """Learn the guard's function on its own; its literal."""
        output = np.array([guard.output], np.int64)
        context = Context(guard.phi_mask, guard.phi_value, output)
        signature = self.queries.signatures(self.bank, output, guard.phi_mask[None], guard.phi_value[None])
        node = TreeNode(context)
        self._leaf(node, context, signature, UNLIMITED)
        return node.known[guard.output] ^ guard.inverted


def _key(context: Context) -> bytes:
    return context.mask.tobytes() + context.value.tobytes()


def _fixed(context: Context, guard: Guard, bit: int) -> Context:
    return Context(
        context.mask | guard.mask,
        (context.value & ~guard.mask) | guard.assignments[bit],
        context.outputs,
    )
