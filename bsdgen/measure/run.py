"""A measurement: ranges of a seed's stream, each measured on its own and added up.

A range is a pure function of model, oracle, seed and positions, so that threads here and machines elsewhere
can measure different ones; `bsdgen.measure.merge` puts results together.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np

from bsdgen.coverage.nested import from_nested
from bsdgen.errors import OracleError, ToolError, UsageError
from bsdgen.measure.asking import AskingTask
from bsdgen.measure.code import compile_diagram
from bsdgen.measure.counts import Counts
from bsdgen.measure.result import Drawn, Measurement, joined, summarise
from bsdgen.measure.rv32i import InstructionStrata
from bsdgen.measure.rv32i_draw import stream_base
from bsdgen.measure.strata import Axes, Strata, strata_for
from bsdgen.model import Model
from bsdgen.oracle.protocol import Oracle
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA

TASK = 1 << 20
"""Vectors of a task: a tenth of a second where everything is compiled."""

_CHECKPOINT_S = 10.0
_CHECKED = 1 << 12  # vectors on which the compiled loop is held to the slow path, at every start


class _Task(Protocol):
    def run(self, first: int, last: int) -> Counts:
        """Measure vectors ``first .. last - 1``."""


def measure(
    model: Model,
    oracle: Oracle,
    *,
    vectors: int = 10_000_000,
    seed: int = 0,
    first: int = 0,
    strata: Strata | None = None,
    before: Measurement | None = None,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Callable[[Measurement], None] | None = None,
) -> Measurement:
    """Compare a model with an oracle on fresh vectors.

    A vector is an error if any output bit that the oracle cares for differs. The random stream is set apart
    from that of the learner, whatever the seeds. Against the built-in simulator everything is one compiled
    loop, on as many threads as numba is told to use; any other oracle is asked block by block.

    Parameters
    ----------
    model : the diagram and its schema.
    oracle : asked for what is right; must have the model's numbers of bits.
    vectors, seed, first : vectors ``first .. first + vectors - 1`` of the seed's stream.
    strata : where vectors come from; by the schema when absent.
    before : what was measured of this model and oracle before; its vectors are not measured again, and the
        result has both.
    progress : called with (vectors done, vectors in all).
    checkpoint : called with what is done so far, every few seconds, and last when an error or an interrupt
        ends the measurement.

    Raises
    ------
    UsageError
        The oracle has other numbers of bits than the model, `vectors` is less than 1, `first` is negative, or
        `before` has other vectors.
    OracleError
        The oracle returns arrays of another shape or type, or another answer when it is asked again.
    ToolError
        The compiled loop is stale.
    """
    if vectors < 1:
        raise UsageError(f"vectors must be at least 1, not {vectors}")
    if first < 0:
        raise UsageError(f"first must be at least 0, not {first}")
    schema = model.schema
    if (oracle.n_inputs, oracle.n_outputs) != (schema.n_inputs, schema.n_outputs):
        raise UsageError(
            f"the oracle has {oracle.n_inputs} input and {oracle.n_outputs} output bits, the model "
            f"{schema.n_inputs} and {schema.n_outputs}; give the oracle that the model was learned from"
        )
    source = strata if strata is not None else strata_for(schema)
    total = _Total(model, oracle, source, seed, before)
    todo = missing(Drawn(seed, first, first + vectors), total.drawn)
    done, last = vectors - sum(part.last - part.first for part in todo), time.monotonic()
    finished = not todo
    try:
        for part, counts in _measured(total.task, total.threads, todo):
            total.add(part, counts)
            done += part.last - part.first
            if progress is not None:
                progress(done, vectors)
            if checkpoint is not None and time.monotonic() - last > _CHECKPOINT_S:
                checkpoint(total.result())
                last = time.monotonic()
        finished = True
    finally:
        if checkpoint is not None and not finished and total.drawn:
            checkpoint(total.result())
    return total.result()


def missing(wanted: Drawn, done: Sequence[Drawn]) -> list[Drawn]:
    """What is left of some vectors, in order.

    >>> missing(Drawn(0, 0, 10), [Drawn(0, 2, 4), Drawn(1, 0, 10)])
    [Drawn(seed=0, first=0, last=2), Drawn(seed=0, first=4, last=10)]
    """
    out, begin = [], wanted.first
    for part in joined(done):
        if part.seed == wanted.seed and part.last > begin and part.first < wanted.last:
            if part.first > begin:
                out.append(Drawn(wanted.seed, begin, part.first))
            begin = part.last
    return [*out, Drawn(wanted.seed, begin, wanted.last)] if begin < wanted.last else out


def _measured(task: _Task, threads: int, todo: Sequence[Drawn]) -> Iterator[tuple[Drawn, Counts]]:
    """Measure ranges task by task, results in order; `threads` of them at a time."""
    parts = (
        Drawn(whole.seed, begin, min(whole.last, (begin // TASK + 1) * TASK))
        for whole in todo
        for begin in (whole.first, *range((whole.first // TASK + 1) * TASK, whole.last, TASK))
    )
    if threads == 1:
        for part in parts:
            yield part, task.run(part.first, part.last)
        return
    executor = ThreadPoolExecutor(threads)
    running: list[tuple[Drawn, Future[Counts]]] = []
    try:
        for part in parts:
            running.append((part, executor.submit(task.run, part.first, part.last)))
            if len(running) > 2 * threads:
                oldest, future = running.pop(0)
                yield oldest, future.result()
        for oldest, future in running:
            yield oldest, future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _check_loop(compiled: _Task, asking: _Task) -> None:
    """Hold the compiled loop to the slow path on some vectors.

    Two ways to the same counts that share the draw and the step function alone. It also finds kernels that
    are older than their sources, which numba loads where NUMBA_CACHE_DIR is a user's own (see `bsdgen`): an
    old reference must not go on judging.
    """
    if not compiled.run(0, _CHECKED).same(asking.run(0, _CHECKED)):
        raise ToolError(
            f"the compiled loop finds other counts than asking the oracle does on the first {_CHECKED:,} "
            "vectors: what numba compiled may be older than bsdgen's sources; delete the folder of "
            "NUMBA_CACHE_DIR, or the folders __pycache__ in the package, and measure again"
        )


class _Total:
    """Counts so far, and how to get more."""

    def __init__(
        self, model: Model, oracle: Oracle, source: Strata, seed: int, before: Measurement | None
    ) -> None:
        self._model = model
        self._oracle = oracle
        self._source = source
        self._seed = seed
        self._before = before
        self._asking = AskingTask(model, oracle, source, seed)
        self.task: _Task = self._asking
        self.threads = 1
        fields = [(field.name, field.width, field.role) for field in model.schema.fields]
        if (
            isinstance(oracle, SimulatorOracle)
            and isinstance(source, InstructionStrata)
            and fields == [(field.name, field.width, field.role) for field in RVFI_SCHEMA.fields]
        ):
            import numba

            # Imported here: only these models pay for what is compiled.
            from bsdgen.measure.rv32i_kernel import CompiledTask

            self.task = CompiledTask(compile_diagram(model.bsd), oracle, stream_base(seed))
            self.threads = numba.get_num_threads()
            _check_loop(self.task, self._asking)  # compiles before the clock starts, too
        self._begun = time.perf_counter()
        axes = source.axes
        none = Counts(
            np.zeros(axes.n_cells, np.int64),
            np.zeros(axes.n_cells, np.int64),
            np.zeros(len(model.schema.outputs), np.int64),
            np.full(len(axes.rows), -1, np.int64),
        )
        if before is not None and before.stream != source.stream:
            raise UsageError(
                f"was measured on vectors {before.stream!r} before, these are {source.stream!r}; "
                "measure anew, without the earlier result"
            )
        # Ranges and counts in one object: an interrupt never finds one without the other.
        self._done: tuple[tuple[Drawn, ...], Counts] = (before.drawn if before is not None else (), none)

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Which vectors the counts are of, with those of before."""
        return self._done[0]

    def add(self, part: Drawn, counts: Counts) -> None:
        """Add what was found on some vectors."""
        drawn, so_far = self._done
        self._done = (joined((*drawn, part)), so_far + counts)

    def result(self) -> Measurement:
        """Sum up."""
        axes, names = self._source.axes, [field.name for field in self._model.schema.outputs]
        drawn, counts = self._done
        new = summarise(
            axes,
            counts.n,
            counts.errors,
            dict(zip(names, counts.by_output.tolist(), strict=True)),
            self._failures(counts),
            drawn=drawn,
            stream=self._source.stream,
            distributions=self._source.distributions,
            wall_s=time.perf_counter() - self._begun,
        )
        if self._before is None:
            return new
        return added(axes, (self._before, new), drawn)

    def _failures(self, counts: Counts) -> dict[str, dict[str, object]]:
        """The first failure of each class, decoded."""
        axes, out = self._source.axes, {}
        for row in np.argsort(counts.failed, kind="stable"):
            position, name = int(counts.failed[row]), axes.classes[axes.class_of[row]]
            if position >= 0 and name not in out:
                decoded = self._asking.decode(position)
                if decoded is None:
                    raise OracleError(
                        f"the oracle is not deterministic: the model differed from it on vector {position:,} "
                        f"of seed {self._seed}, and asked again it does not; it must be a function of its "
                        "inputs alone"
                    )
                out[name] = decoded
        return out


def added(axes: Axes, parts: Sequence[Measurement], drawn: Sequence[Drawn]) -> Measurement:
    """Results of several runs as one.

    Parameters
    ----------
    axes : of all of them.
    drawn : what they measured together.
    """
    by_output: dict[str, int] = {}
    failures: dict[str, dict[str, object]] = {}
    for part in parts:
        for name, n in part.errors_by_output.items():
            by_output[name] = by_output.get(name, 0) + n
        for name, failure in part.failures.items():
            kept = failures.setdefault(name, failure)
            if (failure["seed"], failure["position"]) < (kept["seed"], kept["position"]):
                failures[name] = failure
    none = np.zeros(axes.shape, np.int64)
    return summarise(
        axes,
        sum((from_nested(part.strata, axes.names) for part in parts), none),
        sum((from_nested(part.strata_errors, axes.names) for part in parts), none),
        by_output,
        failures,
        drawn=drawn,
        stream=parts[0].stream,
        distributions=parts[0].distributions,
        wall_s=sum(part.wall_s for part in parts),
    )
