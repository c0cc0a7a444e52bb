"""Work in a process of its own: clean CPU time and memory, and an end to what overruns.

The process is started anew (`spawn`), so that nothing of this one is inherited: no threads, no caches in
memory, no high-water mark of memory. It leads a process group of its own, so that the tools which it started
end with it.
"""

import contextlib
import multiprocessing
import os
import pickle
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from bsdgen.errors import BsdgenError, BudgetReached

_DEATH_S = 5.0


class Overrun(BudgetReached):
    """Work that was stopped from outside because it did not end by itself, or that used up the memory."""


class WorkerFailed(BsdgenError):
    """A bug in what a process was to do: nothing is said of what it worked on."""

    exit_code = 4


def _serve(pipe: Connection) -> None:
    """Child's loop: functions in, results out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    os.setpgid(0, 0)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except BsdgenError as error:
            answer = (False, error)
        except MemoryError:
            answer = (False, Overrun(f"{_name(function)} was out of memory; use fewer --jobs"))
        except Exception as error:
            told = f"{_name(function)} broke down ({type(error).__name__}: {error}); report this"
            answer = (False, WorkerFailed(told))
        try:
            pipe.send(answer)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            pipe.send(
                (False, WorkerFailed(f"{_name(function)}: its result cannot be sent ({error}); report this"))
            )


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))


class Worker:
    """One process that runs functions one after another; killed when one overruns, then started anew.

    Examples
    --------
    >>> with Worker() as worker:
    ...     worker.call(divmod, 7, 2)
    (3, 1)
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether there is a process, warm from earlier work."""
        return self._process is not None

    def call(self, function: Callable[..., Any], *arguments: Any, limit_s: float | None = None) -> Any:
        """Run ``function(*arguments)`` there.

        Parameters
        ----------
        function, arguments : picklable; the function by its module and name.
        limit_s : wall time after which the process is killed; None: never.

        Raises
        ------
        Overrun
            The time was over, or the memory, or the process died (as one that uses up the memory may).
        BsdgenError
            What the function raised; anything that is no `BsdgenError` comes as `WorkerFailed`.
        """
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other,), daemon=True)
            self._process.start()
            other.close()
        assert self._pipe is not None
        try:
            self._pipe.send((function, arguments))
            if not self._pipe.poll(limit_s):
                self.close()
                raise Overrun(f"stopped after {limit_s:g} s; raise the time limit")
            good, answer = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(_DEATH_S)  # its end of the pipe closes before it is gone
            code = self._process.exitcode
            self.close()
            raise Overrun(f"its process ended (exit code {code}); perhaps it was out of memory") from error
        except KeyboardInterrupt:
            self.close()
            raise
        if not good:
            raise answer
        return answer

    def stop(self) -> None:
        """Kill the process from another thread: a call that waits for it raises `Overrun`."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError, ValueError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                process.kill()  # it may not lead its group yet
            process.join()
            process.close()
        if pipe is not None:
            pipe.close()


def peak_rss_mib() -> float:
    """High-water mark of this process's memory.

    ``ru_maxrss`` survives an exec on Linux, so a process would answer for the one that started it; the mark
    in /proc is of this program alone.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
