"""What a run may use up: wall time, memory, functions.

A budget that is reached raises `BudgetReached`. While no diagram is complete, part of the time and of the
memory is held back: what was learned so far must still be made into a diagram and be measured.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil

from bsdgen.errors import BudgetReached
from bsdgen.learn.config import LearnConfig

_MIB = 1 << 20
_PAGE = resource.getpagesize()
_LINE = 256  # bytes, more than the system writes
_DEFAULT_SHARE = 0.8  # of the memory that there is
_FENCE_SHARE = 0.9  # of the memory that there is
_SEARCH_SHARE = 0.6  # of the time, for as long as there is no diagram to fall back on
_RESCUE_SHARE = 0.8  # of the time, when outputs are learned one by one
_LEAST_RESCUE_SHARE = 0.1  # of the time, whatever the search has used
_REFINE_SHARE = 0.9  # of the time, when only a measurement is left to be made
_SELDOM = 8  # memory is looked at once in so many checks: asking the system takes longer than the rest
_SEARCH_MEMORY = 0.85  # of the memory; the rest is for what is made of it
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def _process(pid: int) -> psutil.Process:
    """Kept, since to make one takes longer than to answer a batch of questions."""
    return psutil.Process(pid)


@cache
def _statm(pid: int) -> int:
    """Where Linux tells this process's pages, kept open: psutil takes thirty times as long; else -1."""
    try:
        return os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def rss_mib() -> float:
    """Resident memory of this process now."""
    pid = os.getpid()
    statm = _statm(pid)
    if statm < 0:
        return float(_process(pid).memory_info().rss) / _MIB
    return int(os.pread(statm, _LINE, 0).split()[1]) * _PAGE / _MIB


def memory_there_is_mib() -> float:
    """Memory of the machine, or of this process's control group if that is less."""
    limits = [float(psutil.virtual_memory().total)]
    for name in _CGROUP_LIMITS:
        try:
            limits.append(float(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return min(limits) / _MIB


def memory_limit_mib(config: LearnConfig) -> float:
    """The budget of memory that a configuration stands for."""
    return config.max_memory_mib or _DEFAULT_SHARE * memory_there_is_mib()


@contextmanager
def fence(limit_mib: float = 0.0) -> Iterator[None]:
    """Let allocations fail that would exhaust the memory of the machine, where the system can do that.

    A single array can be larger than all that was used before: without the fence the system would end the
    process before `Budget.check` is called again; with it there is a `MemoryError`, which the learner takes
    for a used up budget. It stands at `limit_mib`, by default at 90 % of all memory: not at the budget, since
    LLVM ends the process when it gets no memory to compile a kernel.
    """
    limit_mib = limit_mib or _FENCE_SHARE * memory_there_is_mib()
    used = psutil.Process().memory_info()
    room = int(limit_mib * _MIB) - used.rss
    if not sys.platform.startswith("linux") or room <= 0:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = used.data + room
    limits = [most, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


class Budget:
    """Time, memory and functions of one run; `check` is called often.

    Parameters
    ----------
    config : the limits.
    rss, clock : what is read, for tests.
    """

    def __init__(
        self,
        config: LearnConfig,
        rss: Callable[[], float] = rss_mib,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.config = config
        self.memory_mib = memory_limit_mib(config)
        self._rss, self._clock = rss, clock
        self._started = clock()
        self._time_share = _SEARCH_SHARE
        self._memory_share = _SEARCH_MEMORY
        self._on = True
        self._n_checks = 0

    def refine(self) -> None:
        """From now on there is a whole diagram to fall back on."""
        self._time_share = _REFINE_SHARE

    def rescue(self) -> None:
        """From now on the part that was held back may be used too."""
        limit = self.config.time_limit_s
        # a slow start, such as compiling kernels, may have used up more than the search was meant to have
        share = self.elapsed_s / limit + _LEAST_RESCUE_SHARE if limit else 0.0
        self._time_share, self._memory_share, self._on = max(_RESCUE_SHARE, share), 1.0, True

    def off(self) -> None:
        """Nothing raises any more: for the short work at the end."""
        self._on = False

    @property
    def is_short_of_memory(self) -> bool:
        """Whether memory is what is used up, as far as the search may use it."""
        return self._rss() > _SEARCH_MEMORY * self.memory_mib

    @property
    def elapsed_s(self) -> float:
        """Wall time of this run."""
        return self._clock() - self._started

    @property
    def left_s(self) -> float | None:
        """Wall time until the limit; None without one."""
        limit = self.config.time_limit_s
        return max(0.0, limit - self.elapsed_s) if limit else None

    def check(self, n_functions: int) -> None:
        """Raise `BudgetReached` if time or memory is used up."""
        if not self._on:
            return
        limit = self.config.time_limit_s
        if limit and self.elapsed_s > self._time_share * limit:
            raise BudgetReached(
                f"time limit of {limit:g} s reached with {n_functions} functions; raise time_limit_s "
                "(--time-limit)"
            )
        self._n_checks += 1
        if self._n_checks % _SELDOM == 0 and self._rss() > self._memory_share * self.memory_mib:
            raise out_of_memory(self.memory_mib, n_functions)


def out_of_memory(limit_mib: float, n_functions: int) -> BudgetReached:
    """The error of a used up memory."""
    return BudgetReached(
        f"memory limit of {limit_mib:,.0f} MiB reached with {n_functions} functions; raise max_memory_mib "
        "(--max-memory) if there is more, or the function has no small diagram"
    )
