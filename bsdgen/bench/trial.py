"""One trial: learn a function with a configuration, prove the result, measure it, count what it cost."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from bsdgen.bits import U64, n_words
from bsdgen.bsd import Bsd
from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.circuit.equivalence import Equivalence
from bsdgen.circuit.optimise import optimise
from bsdgen.errors import BudgetReached, CheckFailed, ToolError
from bsdgen.learn import BsdLearner, LearnConfig
from bsdgen.measure import measure
from bsdgen.model import Model
from bsdgen.oracle.protocol import Oracle
from bsdgen.traces.schema import Schema
from bsdgen.worker import Overrun, Worker, WorkerFailed, peak_rss_mib

_VECTORS = 1 << 18  # fresh vectors on which every diagram is measured, proved or not
_GRACE_S = 240.0  # beyond the learner's own limit, for proving and measuring; then the process is killed
_LOADING_ROWS = 1 << 15  # asked before the clock starts: loads the oracle's compiled code, the threaded too
_TIMED_RUNS = 3  # a run in which a kernel was compiled is not the one that counts


@dataclass(frozen=True)
class Problem:
    """Something to learn.

    Attributes
    ----------
    name : for tables.
    schema : fields, for fresh vectors.
    oracle : makes the oracle; picklable.
    prove : proves a learned netlist to be the specification, on cared bits; picklable. None: not provable.
    rows : recorded inputs, or None.
    restore : makes of the learned diagram the one that is measured and proved, None: it is that itself.
    plain : makes the oracle that the restored diagram is measured against, None: `oracle`.
    """

    name: str
    schema: Schema
    oracle: Callable[[], Oracle]
    prove: Callable[[Aig], Equivalence] | None = None
    rows: U64 | None = None
    restore: Callable[[Bsd], Bsd] | None = None
    plain: Callable[[], Oracle] | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; JSON-ready.

    Attributes
    ----------
    name : the problem's.
    learned : whether learning ended by itself, with no fresh row wrong.
    reason : why not.
    cpu_s, wall_s : learning alone, all threads for `cpu_s`.
    warm_up_s : CPU seconds spent before, in this process, on compiling and loading kernels.
    peak_rss_mib : of the process.
    queries, nodes, contexts, guards, rounds : see `bsdgen.learn.LearnStats`.
    variables : input variables that stand alone as a cofactor or an output: nodes to those who count a node
        for every tested variable.
    ands, depth : the diagram as a graph, structurally hashed only.
    ands_optimised : after the rounds of (dch; compress2rs) that were asked for, None: none.
    proved : whether both engines proved it, None: not tried.
    prove_s : seconds that proving took.
    disproof : where it differs, if it was disproved.
    checked, errors, upper : fresh vectors, those with a wrong cared bit, upper end of the 95 %
        Clopper-Pearson interval of the error rate.
    """

    name: str
    learned: bool = False
    reason: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    warm_up_s: float = 0.0
    peak_rss_mib: float = 0.0
    queries: int | None = None
    nodes: int | None = None
    variables: int | None = None
    contexts: int | None = None
    guards: int | None = None
    rounds: int | None = None
    ands: int | None = None
    depth: int | None = None
    ands_optimised: int | None = None
    proved: bool | None = None
    prove_s: float = 0.0
    disproof: str = ""
    checked: int = 0
    errors: int = 0
    upper: float = 1.0


@dataclass(frozen=True)
class Plan:
    """How to run a trial.

    Attributes
    ----------
    config : of the learner; its time limit is the trial's.
    optimise_rounds : rounds of (dch; compress2rs) for `Trial.ands_optimised`, 0 for none.
    rerun_if_compiled : learn again if a kernel was compiled meanwhile, so that the time is of learning alone.
    """

    config: LearnConfig
    optimise_rounds: int = 0
    rerun_if_compiled: bool = True


def configured(**settings: Any) -> LearnConfig:
    """A configuration, with 0 meaning the default for nothing: a setting that is not known is an error."""
    return replace(LearnConfig(), **settings)


def has_setting(name: str) -> bool:
    """Whether this learner has a setting of that name."""
    return name in LearnConfig.__dataclass_fields__


def run_trial(worker: Worker, problem: Problem, plan: Plan, *, fresh: bool = False) -> Trial:
    """Run a trial in the worker's process (a new one if `fresh`).

    One that overruns, or whose learner or proof breaks, is a trial not learned: the others go on.
    """
    if fresh:
        worker.close()
    limit = plan.config.time_limit_s
    try:
        result = worker.call(trial, problem, plan, limit_s=2 * limit + _GRACE_S if limit else None)
    except Overrun as error:
        return Trial(name=problem.name, reason=str(error), wall_s=limit, cpu_s=limit)
    except (CheckFailed, WorkerFailed) as error:
        return Trial(name=problem.name, reason=str(error))
    assert isinstance(result, Trial)
    return result


_warm_up_s: dict[str, float] = {}  # of this process; a process is warmed up once


def trial(problem: Problem, plan: Plan) -> Trial:
    """Learn, prove, measure; in this process."""
    warm = warm_up()
    learner, facts = _learn(problem, plan)
    facts |= {"warm_up_s": warm, "peak_rss_mib": peak_rss_mib()}
    bsd: Bsd | None = getattr(learner, "bsd_", None)
    if bsd is None:
        return Trial(name=problem.name, **facts)
    if problem.restore is not None:
        bsd = problem.restore(bsd)
    oracle = (problem.plain or problem.oracle)()
    found = measure(Model(bsd, problem.schema, {}), oracle, vectors=_VECTORS, seed=1)
    facts |= {"checked": found.vectors, "errors": found.errors, "upper": found.upper}
    aig = aig_from_bsd(bsd)
    facts |= {"nodes": bsd.n_nodes, "variables": lone_variables(bsd), "ands": aig.n_ands, "depth": aig.depth}
    if facts["learned"] and problem.prove is not None:
        facts |= _proof(problem.prove, aig, problem.schema)
    if plan.optimise_rounds:
        facts["ands_optimised"] = optimise(aig, plan.optimise_rounds).n_ands
    return Trial(name=problem.name, **facts)


def lone_variables(bsd: Bsd) -> int:
    """Input variables that are a cofactor of some node, or an output.

    Examples
    --------
    >>> from bsdgen.bsd import Builder
    >>> b = Builder(3)
    >>> lone_variables(b.build([b.ite(b.variable(0), b.variable(1), 0), b.variable(1), b.variable(2)])[0])
    2
    """
    edges = np.concatenate([bsd.low, bsd.high, bsd.roots]) >> 1
    return int(np.unique(edges[(edges > 0) & (edges <= bsd.n_inputs)]).size)


def _learn(problem: Problem, plan: Plan) -> tuple[BsdLearner, dict[str, Any]]:
    """Learn until no kernel is compiled meanwhile."""
    for last in range(_TIMED_RUNS):
        learner = BsdLearner(plan.config)
        oracle = problem.oracle()
        oracle.query(np.zeros((_LOADING_ROWS, n_words(oracle.n_inputs)), np.uint64))
        oracle.query(np.zeros((1, n_words(oracle.n_inputs)), np.uint64))
        reason = ""
        gc.collect()
        with _Compilations() as compiled:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                learner.fit(oracle, problem.rows)
            except BudgetReached as error:
                reason = str(error)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not (compiled.n and plan.rerun_if_compiled) or last == _TIMED_RUNS - 1:
            break
    facts: dict[str, Any] = {"learned": not reason, "reason": reason, "cpu_s": cpu, "wall_s": wall}
    stats = getattr(learner, "stats_", None)
    if stats is not None:
        facts |= {
            "queries": stats.oracle_queries,
            "contexts": stats.n_contexts,
            "guards": stats.n_guards,
            "rounds": stats.n_rounds,
        }
    return learner, facts


def _proof(prove: Callable[[Aig], Equivalence], aig: Aig, schema: Schema) -> dict[str, Any]:
    begun = time.perf_counter()
    try:
        answer = prove(aig)
    except ToolError as error:  # an engine that gives up has proved nothing
        return {"proved": False, "prove_s": time.perf_counter() - begun, "disproof": str(error)}
    facts: dict[str, Any] = {"proved": answer.equal, "prove_s": time.perf_counter() - begun}
    if answer.inputs is not None and answer.output is not None:
        words = ", ".join(f"{int(word):#x}" for word in answer.inputs)
        facts["disproof"] = f"{schema.output_names()[answer.output]} for the packed inputs {words}"
    return facts


class _Compilations:
    """Counts kernels that are compiled inside a ``with`` block."""

    def __enter__(self) -> "_Compilations":
        from numba.core import event

        self.n = 0
        self._listener: Any = event.RecordingListener()  # type: ignore[no-untyped-call]
        event.register("numba:compile", self._listener)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *_: object) -> None:
        from numba.core import event

        event.unregister("numba:compile", self._listener)  # type: ignore[no-untyped-call]
        self.n = len(self._listener.buffer)


def warm_up() -> float:
    """Learn something small once a process, so that kernels are compiled and loaded; CPU seconds it took."""
    if "done" not in _warm_up_s:
        begun = time.process_time()
        rng = np.random.default_rng(0)
        oracle = _Mixed()
        rows = rng.integers(0, 1 << oracle.n_inputs, (256, 1), np.uint64)
        for recorded in (None, rows):
            BsdLearner(LearnConfig(n_check=1 << 17)).fit(oracle, recorded)
        _warm_up_s["done"] = time.process_time() - begun
    return _warm_up_s["done"]


class _Mixed:
    """A little of everything: an addition, a comparison, a multiplexer; for the warm-up."""

    n_inputs = 19
    n_outputs = 16

    def query(self, inputs: U64) -> tuple[U64, U64]:
        w = np.uint64(8)
        ones = (np.uint64(1) << w) - np.uint64(1)
        row = inputs[:, 0]
        a, b, s = row & ones, row >> w & ones, row >> (w + w)
        total = np.where(s & np.uint64(1) == 0, a + b, a - b) & ones
        other = np.where(s >> np.uint64(1) == 0, a & b, (a < b).astype(np.uint64))
        out = (total | other << w)[:, None]
        return np.ascontiguousarray(out), np.full_like(out, (np.uint64(1) << (w + w)) - np.uint64(1))
