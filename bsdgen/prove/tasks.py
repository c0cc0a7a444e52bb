"""Proof tasks: one engine, one cell, some outputs; run side by side in processes that a deadline ends."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from bsdgen.bits import U64
from bsdgen.circuit.aig import Aig
from bsdgen.errors import ToolTimeout
from bsdgen.prove.engines import Answer, Engine, ask
from bsdgen.prove.miter import cared_positions, completed, miter, shrunk
from bsdgen.spec.cells import Cell
from bsdgen.spec.graph import Specification
from bsdgen.worker import Overrun, Worker

_SMALL = 1000  # ANDs up to which starting a process takes longer than all that is asked
_NO_LIMIT_S = 7 * 24 * 3600.0


@dataclass(frozen=True, eq=False)
class Task:
    """One question.

    Attributes
    ----------
    row : name of the table's row that it belongs to.
    cell : inputs that it is about.
    outputs : positions of outputs that it is about.
    engine : who is asked.
    """

    row: str
    cell: Cell
    outputs: tuple[int, ...]
    engine: Engine


@dataclass(frozen=True, eq=False)
class Finding:
    """What came of a task; positions are those of the specification's outputs.

    Attributes
    ----------
    seconds : that the engine took; None: the time was over before it answered.
    proved : outputs proved (those that mean nothing in the cell are not among them).
    refuted : a whole assignment on which they differ, shape (n_words(n_inputs),), by output.
    """

    task: Task
    seconds: float | None
    proved: tuple[int, ...] = ()
    refuted: dict[int, U64] | None = None


def solve(specification: Specification, learned: Aig, task: Task, timeout_s: float) -> Finding:
    """Do a task, in this process."""
    pair = miter(specification, learned, task.cell, task.outputs)
    if not pair.positions:
        return Finding(task, 0.0)
    try:
        answer: Answer = ask(task.engine, pair.learned, pair.specified, timeout_s)
    except ToolTimeout:
        return Finding(task, None)
    # The one that is shown is made simple; a core may have hundreds of others.
    first = min(answer.refuted, default=-1)
    refuted = {
        pair.positions[at]: completed(
            task.cell, shrunk(pair, at, inputs) if at == first else inputs, learned.n_inputs
        )
        for at, inputs in answer.refuted.items()
    }
    return Finding(task, answer.seconds, tuple(pair.positions[at] for at in answer.proved), refuted)


class Deadline:
    """Wall time that is left; 0 s means no limit."""

    def __init__(self, limit_s: float = 0.0) -> None:
        self.limit_s = limit_s
        self._end = time.monotonic() + limit_s if limit_s else None

    def left_s(self) -> float:
        """Seconds that are left, at most a week."""
        return _NO_LIMIT_S if self._end is None else max(0.0, self._end - time.monotonic())


class Pool:
    """Runs functions side by side, each in one of `jobs` processes, until the deadline.

    Parameters
    ----------
    jobs : processes; 0: as many as there are cores.
    deadline : when everything ends.
    inline : run in this process, one after another, without a deadline: for small work.
    """

    def __init__(self, jobs: int = 0, deadline: Deadline | None = None, *, inline: bool = False) -> None:
        self.deadline = deadline or Deadline()
        self._inline = inline
        n = 1 if inline else jobs or os.cpu_count() or 1
        # A process that is killed leaves its temporary files behind: they are here.
        self._folder = tempfile.TemporaryDirectory(prefix="bsdgen-")
        self._workers = [Worker() for _ in range(n)]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)

    def each(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Results of ``(function, *arguments)``, as they come: (position, result), None past the deadline."""
        if self._inline:
            for position, (function, *arguments) in enumerate(calls):
                yield position, function(*arguments)
            return
        with ThreadPoolExecutor(len(self._workers)) as threads:
            futures: dict[Future[Any], int] = {}
            try:
                for position, call in enumerate(calls):
                    futures[threads.submit(self._call, call)] = position
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:
                for future in futures:
                    future.cancel()
                self._stop()
                raise

    def _call(self, call: tuple[Any, ...]) -> Any:
        worker = self._free.get()
        try:
            left = self.deadline.left_s()
            return worker.call(_within, self._folder.name, *call, limit_s=left) if left > 0 else None
        except Overrun:
            if self.deadline.left_s() > 0:
                raise
            return None
        finally:
            self._free.put(worker)

    def _stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()
        self._folder.cleanup()


def _within(folder: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function whose temporary files go into a folder."""
    tempfile.tempdir = folder
    return function(*arguments)


@contextmanager
def pool(specification: Specification, jobs: int, deadline: Deadline) -> Iterator[Pool]:
    """Processes for the proof of a specification; none where it is small."""
    n_ands = specification.values.n_ands + specification.care.n_ands
    made = Pool(jobs, deadline, inline=n_ands <= _SMALL and not deadline.limit_s)
    try:
        yield made
    finally:
        made.close()


def run_tasks(
    workers: Pool,
    specification: Specification,
    learned: Aig,
    tasks: Sequence[Task],
    on_done: Callable[[Finding], None],
) -> list[Finding]:
    """Do all tasks; those that the deadline stops come back undecided."""
    left = workers.deadline.left_s()
    calls = [(solve, specification, learned, task, left) for task in tasks]
    findings = [Finding(task, None) for task in tasks]
    for position, finding in workers.each(calls):
        if finding is not None:
            findings[position] = finding
        on_done(findings[position])
    return findings


def _cared(
    specification: Specification, cell: Cell, engine: Engine, timeout_s: float
) -> tuple[int, ...] | None:
    try:
        return cared_positions(specification, cell, engine, timeout_s)
    except ToolTimeout:
        return None


def survey(
    workers: Pool, specification: Specification, cells: Sequence[Cell], engine: Engine
) -> list[frozenset[int]] | None:
    """Outputs that mean something in each cell; None if the deadline came before.

    One engine alone says it, so it is for the tables: what is to be proved may not depend on it.
    """
    found: list[frozenset[int] | None] = [None] * len(cells)
    left = workers.deadline.left_s()
    for position, live in workers.each([(_cared, specification, cell, engine, left) for cell in cells]):
        found[position] = None if live is None else frozenset(live)
    known = [live for live in found if live is not None]
    return known if len(known) == len(found) else None
