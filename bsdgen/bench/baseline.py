"""The learner beside plain OBDD learning: same oracle, same bank, same fresh rows, same budgets."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import msgspec
import numpy as np

from bsdgen.bench.demo import demo_problem
from bsdgen.bench.obdd import ObddConfig, canonical_nodes, learn_obdd
from bsdgen.bench.specification import demo_specification
from bsdgen.bench.trial import Plan, Problem, Trial, configured, run_trial
from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.circuit.aig import Aig, AigBuilder, aig_from_bsd, copy_into
from bsdgen.circuit.equivalence import Equivalence
from bsdgen.errors import ToolError, UsageError
from bsdgen.measure import measure
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.prove.run import prove_step
from bsdgen.spec.step import step_specification
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema
from bsdgen.worker import Overrun, Worker

Order = Literal["natural", "interleaved", "random"]
ORDERS: tuple[Order, ...] = ("natural", "interleaved", "random")
DEMO_NUMBERS = (1, 5, 7, 11, 13, 15, 16, 18)
BITS = ("rd_addr[0]", "rd_wdata[0]", "rd_wdata[31]", "pc_wdata[2]", "pc_wdata[31]", "mem_wmask[0]", "trap")
"""Output bits of the step function that stand for the easy and the hard ones."""
_VECTORS = 1 << 18
_GRACE_S = 240.0


def order_of(name: Order, schema: Schema, seed: int = 0) -> list[int]:
    """A fixed variable order.

    Parameters
    ----------
    name : ``natural`` (as the bits are packed); ``interleaved`` (narrow fields first, then one bit of each
        wide field in turn, from the most significant down: the order that a person would give an adder);
        ``random``.
    schema : fields. The baseline is told what the learner never is.
    seed : of the random order.

    Examples
    --------
    >>> schema = Schema((Field("a", 2, "in"), Field("b", 2, "in"), Field("s", 1, "in"), Field("y", 1, "out")))
    >>> order_of("interleaved", schema)
    [4, 1, 3, 0, 2]
    """
    if name == "natural":
        return list(range(schema.n_inputs))
    if name == "random":
        return [int(v) for v in np.random.default_rng(seed).permutation(schema.n_inputs)]
    widest = max(field.width for field in schema.inputs)
    keys: list[tuple[bool, int, int]] = []
    for at, field in enumerate(schema.inputs):
        keys += [(field.width == widest, -bit, at) for bit in range(field.width)]
    return sorted(range(schema.n_inputs), key=lambda v: keys[v])


@dataclass(frozen=True)
class Case:
    """A function for both: the problem, and its specification as a graph."""

    problem: Problem
    specification: Callable[[], Aig]


class ObddRow(msgspec.Struct, frozen=True, kw_only=True):
    """One function learned as an OBDD in one order.

    Attributes
    ----------
    function, order : which.
    reason : why it was not learned, "" if it was.
    nodes, queries, rounds, cpu_s : of learning.
    proved : by both engines; None: not learned.
    checked, errors, upper : as in `bsdgen.bench.trial.Trial`.
    canonical : nodes of the OBDD of the specification in this order; None: not built within the budget.
    """

    function: str
    order: Order
    reason: str = ""
    nodes: int | None = None
    queries: int | None = None
    rounds: int = 0
    cpu_s: float = 0.0
    proved: bool | None = None
    checked: int = 0
    errors: int = 0
    upper: float = 1.0
    canonical: int | None = None


class BaselineRow(msgspec.Struct, frozen=True):
    """One function: by this project's learner, and as an OBDD in each order."""

    function: str
    ours: Trial
    obdds: tuple[ObddRow, ...]


class BaselineResult(msgspec.Struct, frozen=True):
    """All functions of a run, and its budgets."""

    seed: int
    time_limit_s: float
    max_nodes: int
    rows: tuple[BaselineRow, ...]


class OneBit:
    """One output bit of the step function.

    Parameters
    ----------
    position : of the bit in the packed outputs of `RVFI_SCHEMA`.
    """

    def __init__(self, position: int) -> None:
        self.inner = SimulatorOracle()
        self.position = position
        self.n_inputs = self.inner.n_inputs
        self.n_outputs = 1

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Execute, and keep the bit; see `bsdgen.oracle.protocol.Oracle.query`."""
        word, shift = self.position >> 6, np.uint64(self.position & 63)
        outputs, care = self.inner.query(inputs)
        one = np.uint64(1)
        return (outputs[:, word : word + 1] >> shift) & one, (care[:, word : word + 1] >> shift) & one


def prove_bit(position: int, learned: Aig) -> Equivalence:
    """Prove one learned bit where it means something: the others are the specified ones."""
    written = step_specification().values
    builder = AigBuilder(written.n_inputs)
    variables = list(range(2, 2 * (1 + written.n_inputs), 2))
    outputs = copy_into(builder, written, variables)
    outputs[position] = copy_into(builder, learned, variables)[0]
    return prove_step(None, False, builder.build(outputs))


def bit_case(name: str, rows: U64) -> Case:
    """An output bit of the step function by its name, such as ``trap`` or ``pc_wdata[2]``."""
    names = RVFI_SCHEMA.output_names()
    if name not in names:
        raise UsageError(f"there is no output bit {name!r}; there are {names[0]} to {names[-1]}")
    position = names.index(name)
    schema = Schema((*RVFI_SCHEMA.inputs, Field("y", 1, "out")))
    problem = Problem(name, schema, partial(OneBit, position), partial(prove_bit, position), rows)
    return Case(problem, partial(_written_bit, position))


def _written_bit(position: int) -> Aig:
    return step_specification().values.cone([position])


def demo_case(number: int, width: int = 32) -> Case:
    """A function of the demo suite."""
    return Case(demo_problem(number, width), partial(demo_specification, number, width))


def obdd_row(case: Case, order: Order, config: ObddConfig) -> ObddRow:
    """Learn one function in one order, prove and measure it, count its canonical OBDD; in this process."""
    problem = case.problem
    variables = order_of(order, problem.schema, config.seed)
    oracle = problem.oracle()
    oracle.query(np.zeros((1 << 15, n_words(oracle.n_inputs)), np.uint64))
    found = learn_obdd(oracle, variables, config, problem.rows)
    facts: dict[str, object] = {
        "reason": found.reason,
        "queries": found.queries,
        "rounds": found.rounds,
        "cpu_s": found.cpu_s,
        "canonical": canonical_nodes(case.specification(), variables, config.max_nodes, config.time_limit_s),
    }
    if found.bsd is not None:
        facts |= _judged(problem, found.bsd, exact=not found.reason)
    return ObddRow(function=problem.name, order=order, **facts)  # type: ignore[arg-type]


def _judged(problem: Problem, bsd: Bsd, *, exact: bool) -> dict[str, object]:
    measured = measure(Model(bsd, problem.schema, {}), problem.oracle(), vectors=_VECTORS, seed=1)
    facts: dict[str, object] = {
        "nodes": bsd.n_nodes,
        "checked": measured.vectors,
        "errors": measured.errors,
        "upper": measured.upper,
    }
    if exact and problem.prove is not None:
        try:
            facts["proved"] = problem.prove(aig_from_bsd(bsd)).equal
        except ToolError:
            facts["proved"] = False
    return facts


def run_baseline(
    cases: Iterable[Case],
    orders: Sequence[Order] = ORDERS,
    *,
    seed: int = 0,
    jobs: int = 0,
    time_limit_s: float = 20.0,
    max_nodes: int = 50_000,
    on_row: Callable[[int, BaselineRow], None] | None = None,
) -> BaselineResult:
    """Learn every function by both learners, each in a process of its own.

    Parameters
    ----------
    cases, orders : which.
    seed, jobs : of both learners.
    time_limit_s, max_nodes : budgets of every single run, of building the canonical OBDD too.
    on_row : told (functions done, function) after each.
    """
    rows: list[BaselineRow] = []
    ours = configured(seed=seed, jobs=jobs, time_limit_s=time_limit_s, max_nodes=max_nodes)
    theirs = ObddConfig(
        seed=seed, n_bank=ours.n_bank, n_check=ours.n_check, max_nodes=max_nodes, time_limit_s=time_limit_s
    )
    with Worker() as worker:
        for case in cases:
            trial = run_trial(worker, case.problem, Plan(ours), fresh=True)
            obdds = []
            for order in orders:
                begun = time.perf_counter()
                try:
                    obdds.append(
                        worker.call(obdd_row, case, order, theirs, limit_s=3 * time_limit_s + _GRACE_S)
                    )
                except Overrun as error:
                    spent = time.perf_counter() - begun
                    obdds.append(
                        ObddRow(function=case.problem.name, order=order, reason=str(error), cpu_s=spent)
                    )
            rows.append(BaselineRow(case.problem.name, trial, tuple(obdds)))
            if on_row is not None:
                on_row(len(rows), rows[-1])
    return BaselineResult(seed, time_limit_s, max_nodes, tuple(rows))
