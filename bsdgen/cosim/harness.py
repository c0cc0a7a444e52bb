"""The fast harness: processes of ``sim/harness.cpp`` that run one program after the other.

Each answers a line of text (a job) by a line of JSON; what the lines hold stands there.
"""

import contextlib
import json
import queue
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from bsdgen.errors import ToolError

_ALIVE_S = 1.0

Job = Mapping[str, str | int]
Answer = dict[str, Any]


class Harness:
    """One process.

    Parameters
    ----------
    simulator : see `bsdgen.cosim.build`.
    work : its working folder: files of jobs are named relative to it.
    """

    def __init__(self, simulator: Path, work: Path) -> None:
        # A pipe that nobody reads would fill up; closed by `stop`.
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [str(simulator)],
            cwd=work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def run(self, job: Job) -> Answer:
        """Run one program.

        Raises
        ------
        ToolError
            The process ended instead of answering.
        """
        words = [
            f"{key}={value if isinstance(value, str) else format(value, 'x')}" for key, value in job.items()
        ]
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(" ".join(words) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line.startswith("{"):
            output = line + stdout.read()
            code = self._process.wait()
            self._log.seek(0)
            text = (output + self._log.read()).strip()
            raise ToolError(
                f"the simulator ended without a result (exit code {code}); it printed: {text[-2000:]}"
            )
        answer: Answer = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class HarnessPool:
    """Several processes that share jobs.

    Parameters
    ----------
    simulator, work : as of `Harness`.
    jobs : processes.
    alive : called now and then while all of them are at work.
    """

    def __init__(
        self, simulator: Path, work: Path, jobs: int, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._alive = alive
        # The kernel ends them with the thread that starts them: that must be the caller's.
        self._harnesses = [Harness(simulator, work) for _ in range(max(1, jobs))]
        self._free: queue.SimpleQueue[Harness] = queue.SimpleQueue()
        for harness in self._harnesses:
            self._free.put(harness)
        self._threads = ThreadPoolExecutor(len(self._harnesses))

    def __enter__(self) -> "HarnessPool":
        return self

    def __exit__(self, *_: object) -> None:
        for harness in self._harnesses:
            harness.stop()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, job: Job) -> Answer:
        harness = self._free.get()
        try:
            return harness.run(job)
        finally:
            self._free.put(harness)

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[int, Answer]]:
        """Run jobs, taken as they are needed: (number of the job, answer), as they end.

        Raises
        ------
        ToolError
            A simulator breaks down.
        """
        running: dict[Future[Answer], int] = {}
        for number, job in enumerate(jobs):
            running[self._threads.submit(self._run, job)] = number
            if len(running) >= 2 * len(self._harnesses):  # the next job is made while these run
                yield from self._ended(running)
        while running:
            yield from self._ended(running)

    def _ended(self, running: dict[Future[Answer], int]) -> Iterator[tuple[int, Answer]]:
        done: set[Future[Answer]] = set()
        while not done:
            done, _ = wait(running, timeout=_ALIVE_S, return_when=FIRST_COMPLETED)
            if not done:
                self._alive()
        for future in done:
            yield running.pop(future), future.result()

    def run_all(self, jobs: Iterable[Job]) -> list[Answer]:
        """Answers in the order of the jobs."""
        return [answer for _, answer in sorted(self.run(jobs), key=lambda pair: pair[0])]
