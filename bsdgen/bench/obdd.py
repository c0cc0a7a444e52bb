"""The baseline: a plain OBDD with one fixed variable order, learned by membership and equivalence queries.

The classical setting (Gavaldà and Guijarro, *Learning ordered binary decision diagrams*, ALT 1995;
Nakamura, *An efficient query learning algorithm for ordered binary decision diagrams*, Information and
Computation 201, 2005), with our own evidence: two cofactors are one node when they agree on a bank of rows,
and a counterexample joins the bank, where it splits the wrong merge. Membership queries are the same as the
learner's, and so are the bank and the rows that stand in for equivalence queries; what differs is that the
order is fixed and that a guard is an input variable.

An exact result is the OBDD of the function in this order, whoever learns it, since OBDDs are canonical. It is
also built from the specification (`canonical_nodes`), to hold the learned one to and where learning runs out
of its budget.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd, Builder
from bsdgen.circuit.aig import Aig
from bsdgen.errors import BudgetReached, ToolError
from bsdgen.learn.functions import canonical, set_bit
from bsdgen.learn.queries import Queries
from bsdgen.learn.samples import RowSource
from bsdgen.oracle.protocol import Oracle

_MOST_COUNTEREXAMPLES = 384  # that join the bank after a round
_PER_OUTPUT = 3
_BLOCK = 1 << 17  # rows of an equivalence query at a time
_ZERO, _ONES = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_WORK_SHARE = 40  # nodes of the package, of functions in between and dead ones too, per node of the budget
_CUDD_BYTES = 1 << 30  # that CUDD may use: one operation can multiply the nodes, and tells of nothing before


@dataclass(frozen=True)
class ObddConfig:
    """Budgets and evidence.

    Attributes
    ----------
    seed : of every random choice.
    n_bank : rows of the bank at the start, a multiple of 64.
    n_check : fresh rows of an equivalence query.
    max_nodes, time_limit_s : budgets.
    """

    seed: int = 0
    n_bank: int = 8192
    n_check: int = 1 << 21
    max_nodes: int = 50_000
    time_limit_s: float = 60.0


@dataclass
class _Node:
    """A cofactor: an output inside a cube, and its expansion once there is one (literals as in `Builder`)."""

    output: int
    mask: U64
    value: U64
    complement: int
    variable: int = -1
    low: int = 0
    high: int = 0


class _Missed(Exception):
    """Functions are left that no tested variable explains: rows on which one does."""

    def __init__(self, rows: list[U64]) -> None:
        super().__init__(f"{len(rows)} functions depend on a variable that was passed over")
        self.rows = np.array(rows)


class _Layers:
    """One diagram, made from the first variable of the order to the last."""

    def __init__(self, queries: Queries, bank: U64, max_nodes: int, deadline: float) -> None:
        self.queries = queries
        self.bank = bank
        self.max_nodes = max_nodes
        self.deadline = deadline
        self.nodes: list[_Node] = []
        self.open: dict[bytes, int] = {}  # signature of an open function: its index
        self.signatures: dict[int, U64] = {}

    def intern(self, output: int, mask: U64, value: U64, signature: U64) -> int:
        """Literal (2 * (index + 1) + complement; 0, 1: constants) of the function with this signature."""
        word, complement = canonical(signature)
        if not word.any():
            return complement
        key = word.tobytes()
        index = self.open.get(key)
        if index is None:
            index = len(self.nodes)
            self.nodes.append(_Node(output, mask, value, complement))
            self.open[key] = index
            self.signatures[index] = word
        return 2 * (index + 1) + complement

    def expand(self, variable: int) -> None:
        """Replace every open function that depends on `variable` by its two cofactors."""
        plane = self.queries.planes(self.bank, self.queries.n_inputs)[variable]
        flipped = self.bank.copy()
        flipped[:, variable >> 6] ^= np.uint64(1) << np.uint64(variable & 63)
        at = list(self.signatures)
        nodes = [self.nodes[index] for index in at]
        other = self.queries.signatures(
            flipped,
            np.array([node.output for node in nodes], np.int64),
            np.array([node.mask for node in nodes]),
            np.array([node.value for node in nodes]),
        )
        depends = []
        for index, node, turned in zip(at, nodes, other, strict=True):
            here = self.signatures[index] ^ (_ONES if node.complement else _ZERO)
            if (here != turned).any():
                depends.append((node, here, turned))
                del self.open[self.signatures.pop(index).tobytes()]
        # Only now: a cofactor does not depend on the variable, so it is none of the functions that do.
        for node, here, turned in depends:
            if time.perf_counter() > self.deadline:
                raise BudgetReached("time limit reached")
            if len(self.nodes) > self.max_nodes:
                raise BudgetReached(f"more than {self.max_nodes:,} nodes")
            mask = set_bit(node.mask, variable)
            low, high = here & ~plane | turned & plane, here & plane | turned & ~plane
            node.variable = variable
            node.low = self.intern(node.output, mask, node.value, low)
            node.high = self.intern(node.output, mask, set_bit(node.value, variable), high)

    def diagram(self, roots: list[int]) -> Bsd:
        """The reduced diagram."""
        builder = Builder(self.queries.n_inputs)
        made: dict[int, int] = {}

        def of(literal: int) -> int:
            return literal if literal < 2 else made[(literal >> 1) - 1] ^ (literal & 1)

        # a child is expanded on a later variable: sorting by position in the order puts children first
        done = [index for index, node in enumerate(self.nodes) if node.variable >= 0]
        for index in sorted(done, key=lambda i: self.position[self.nodes[i].variable], reverse=True):
            node = self.nodes[index]
            made[index] = builder.ite(builder.variable(node.variable), of(node.high), of(node.low))
            made[index] ^= node.complement
        return builder.build([of(root) for root in roots])[0]

    def run(self, order: list[int]) -> Bsd:
        """Learn all outputs in this order."""
        self.position = {variable: at for at, variable in enumerate(order)}
        n = self.queries.n_outputs
        zero = np.zeros((n, self.queries.w_in), np.uint64)
        signatures = self.queries.signatures(self.bank, np.arange(n, dtype=np.int64), zero, zero)
        roots = [self.intern(o, zero[0], zero[0], signatures[o]) for o in range(n)]
        for variable in order:
            if self.signatures:
                self.expand(variable)
        if self.signatures:
            raise _Missed([self._sensitive(index) for index in list(self.signatures)[:_MOST_COUNTEREXAMPLES]])
        return self.diagram(roots)

    def _sensitive(self, index: int) -> U64:
        """A row on which a function changes with one variable, by bisection between a 0 and a 1 of it.

        The function is not constant, but on no row of the bank did a single variable change it.
        """
        node, bits = (
            self.nodes[index],
            np.unpackbits(self.signatures[index].view(np.uint8), bitorder="little"),
        )
        zero, one = (self.bank[int(np.argmax(bits == value))] & ~node.mask | node.value for value in (0, 1))
        differing = np.flatnonzero(np.unpackbits((zero ^ one).view(np.uint8), bitorder="little"))

        def hybrid(n: int) -> U64:
            row: U64 = zero.copy()
            for variable in differing[:n]:
                row[variable >> 6] ^= np.uint64(1) << np.uint64(variable & 63)
            return row

        def value(row: U64) -> int:
            return int(self.queries.ask(row[None])[0][0, node.output >> 6] >> np.uint64(node.output & 63)) & 1

        low, high, base = 0, int(differing.shape[0]), value(zero)
        while high - low > 1:
            middle = (low + high) // 2
            if value(hybrid(middle)) == base:
                low = middle
            else:
                high = middle
        return hybrid(low)


@dataclass
class ObddLearned:
    """What learning gave; `bsd` is None if the budget was used up before the first diagram."""

    bsd: Bsd | None = None
    reason: str = ""
    queries: int = 0
    rounds: int = 0
    cpu_s: float = 0.0


def learn_obdd(oracle: Oracle, order: list[int], config: ObddConfig, rows: U64 | None = None) -> ObddLearned:
    """Learn an oracle as an OBDD.

    Parameters
    ----------
    oracle : what is asked.
    order : all input variables, first tested first.
    config : budgets and evidence.
    rows : recorded inputs, or None.

    Raises
    ------
    ValueError
        `order` is no permutation of the inputs.
    """
    if sorted(order) != list(range(oracle.n_inputs)):
        raise ValueError(f"order must hold each of the {oracle.n_inputs} variables once, not {order!r}")
    queries = Queries(oracle)
    source = RowSource(oracle.n_inputs, rows)
    rng = np.random.default_rng(config.seed)
    found = ObddLearned()
    cpu, deadline = time.process_time(), time.perf_counter() + config.time_limit_s
    bank = source.mixed(rng, config.n_bank)
    try:
        while True:
            found.rounds += 1
            try:
                found.bsd = _Layers(queries, bank, config.max_nodes, deadline).run(order)
                wrong = _counterexamples(queries, found.bsd, source, rng, config)
            except _Missed as missed:
                wrong = missed.rows
            if not wrong.shape[0]:
                break
            if time.perf_counter() > deadline:
                raise BudgetReached(f"time limit reached with {wrong.shape[0]} counterexamples left")
            near = source.flipped(rng, wrong[rng.integers(0, wrong.shape[0], -wrong.shape[0] % 64)])
            bank = np.concatenate([bank, wrong, near])
    except BudgetReached as error:
        found.reason = str(error)
    found.queries, found.cpu_s = queries.n_queries, time.process_time() - cpu
    return found


def _counterexamples(
    queries: Queries, bsd: Bsd, source: RowSource, rng: np.random.Generator, config: ObddConfig
) -> U64:
    """An equivalence query: some rows that are wrong in a cared bit, spread over the outputs."""
    kept: list[U64] = []
    by_output = np.zeros(queries.n_outputs, np.int64)
    blocks = [] if source.recorded is None else [source.recorded]
    for at in range(-(-config.n_check // _BLOCK) + len(blocks)):
        rows = blocks[at] if at < len(blocks) else source.mixed(rng, min(_BLOCK, config.n_check))
        outputs, care = queries.ask(np.ascontiguousarray(rows))
        wrong = (bsd.evaluate(rows) ^ outputs) & care
        for row in np.flatnonzero(wrong.any(axis=1))[:4096]:
            bits = np.flatnonzero(np.unpackbits(wrong[row].view(np.uint8), bitorder="little"))
            if by_output[bits].min() < _PER_OUTPUT:
                by_output[bits] += 1
                kept.append(rows[row])
        if len(kept) >= _MOST_COUNTEREXAMPLES:
            break
    return np.array(kept[:_MOST_COUNTEREXAMPLES], np.uint64).reshape(-1, n_words(queries.n_inputs))


def canonical_nodes(aig: Aig, order: list[int], max_nodes: int, time_limit_s: float) -> int | None:
    """Nodes of the OBDD of all outputs of a graph in one order; None if it is not built within the budget.

    The functions of inner nodes may be far larger than those of the outputs.

    Built with `dd` (CUDD if its wheel has it), with complement edges; a variable by itself is no node, as
    in `bsdgen.bsd`.

    Raises
    ------
    ToolError
        dd is not installed.
    """
    try:
        try:
            from dd import cudd as package
        except ImportError:
            from dd import autoref as package
    except ImportError as error:
        raise ToolError("dd is missing; install it with `pip install 'bsdgen[bench]'`") from error
    deadline = time.perf_counter() + time_limit_s
    bdd = package.BDD()
    bdd.configure(reordering=False)
    if "max_memory" in bdd.configure():
        bdd.configure(max_memory=_CUDD_BYTES)
    bdd.declare(*(f"v{variable}" for variable in order))
    literal = [bdd.false, *(bdd.var(f"v{variable}") for variable in range(aig.n_inputs))]
    last = _last_uses(aig)

    def of(edge: int) -> Any:
        return ~literal[edge >> 1] if edge & 1 else literal[edge >> 1]

    for i, (a, b) in enumerate(zip(aig.fanin0.tolist(), aig.fanin1.tolist(), strict=True)):
        try:
            literal.append(bdd.apply("and", of(a), of(b)))
        except RuntimeError:  # what dd raises for CUDD's limit of memory; there is no other in a conjunction
            return None
        for edge in (a, b):  # what nothing later needs is let go
            if last[edge >> 1] == i and edge >> 1 > aig.n_inputs:
                literal[edge >> 1] = None
        if len(bdd) > _WORK_SHARE * max_nodes or time.perf_counter() > deadline:
            return None
    roots = [of(edge) for edge in aig.outputs.tolist()]
    nodes = _reached(roots)
    return None if nodes > max_nodes else nodes


def _last_uses(aig: Aig) -> NDArray[np.int64]:
    """By index: the last AND that has it as a fanin; outputs are needed for ever."""
    last = np.full(1 + aig.n_inputs + aig.n_ands, -1, np.int64)
    for fanin in (aig.fanin0, aig.fanin1):
        np.maximum.at(last, fanin >> 1, np.arange(aig.n_ands))
    last[aig.outputs >> 1] = aig.n_ands + 1
    return last


def _reached(roots: list[Any]) -> int:
    """Distinct nodes below `roots` that are no single variable."""
    seen: set[int] = set()
    count = 0
    stack = list(roots)
    while stack:
        node = stack.pop()
        node = ~node if node.negated else node
        key = int(node)
        if key in seen or node.var is None:
            continue
        seen.add(key)
        low, high = node.low, node.high
        count += not (low.var is None and high.var is None)
        stack += [low, high]
    return count
