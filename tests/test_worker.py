import os
import time

import numpy as np
import pytest

from bsdgen.errors import CheckFailed, InputError
from bsdgen.worker import Overrun, Worker, WorkerFailed, peak_rss_mib


def refuse() -> None:
    raise InputError("no such file; give another")


def break_down() -> None:
    raise KeyError("x")


def use_up() -> None:
    raise MemoryError


def die() -> None:
    os._exit(9)


def unpicklable() -> object:
    return lambda: None


def large() -> float:
    return float(np.ones(40 << 17).sum()) and peak_rss_mib()  # 40 MiB of doubles


def test_work_is_done_in_another_process_that_is_kept():
    with Worker() as worker:
        first = worker.call(os.getpid)
        assert first != os.getpid()
        assert worker.call(os.getpid) == first
        assert worker.call(divmod, 7, 2) == (3, 1)
    assert not worker.running


def test_overrunning_work_is_killed_and_the_next_starts_anew():
    with Worker() as worker:
        first = worker.call(os.getpid)
        begun = time.monotonic()
        with pytest.raises(Overrun, match=r"stopped after 0\.2 s"):
            worker.call(time.sleep, 60, limit_s=0.2)
        assert time.monotonic() - begun < 30
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert worker.call(os.getpid) != first


def test_errors_come_back():
    with Worker() as worker:
        with pytest.raises(InputError, match="no such file"):
            worker.call(refuse)
        with pytest.raises(WorkerFailed, match=r"break_down broke down \(KeyError") as told:
            worker.call(break_down)
        assert not isinstance(told.value, CheckFailed) and told.value.exit_code == 4
        with pytest.raises(WorkerFailed, match="result cannot be sent"):
            worker.call(unpicklable)
        with pytest.raises(Overrun, match="use_up was out of memory"):
            worker.call(use_up)
        with pytest.raises(Overrun, match=r"process ended \(exit code 9\)"):
            worker.call(die)


def test_memory_is_the_childs_own():
    ballast = np.ones(300 << 17)  # 300 MiB here
    with Worker() as worker:
        assert 40 < worker.call(large) < 250
    assert ballast.sum() and peak_rss_mib() > 300
