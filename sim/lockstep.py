"""Runs inside the simulator: holds every block of retired instructions against the reference's rows.

The environment variable BSDGEN_JOB names a folder with ``rows.npy`` and ``care.npy`` (what must retire); this
test leaves ``result.json`` there. A mismatch is a result, not a failed test: a failed test means that the
bench is broken. BSDGEN_PARENT is the process that reads the result; without it the simulator ends.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import ClockCycles, First, Timer, ValueChange

from bsdgen.cosim.scoreboard import ROW_WORDS, Expected, first_difference, registers_before

CYCLE = 2  # simulator steps
HANG_CYCLES = 10_000  # without a retirement


def read_block(dut, count: int) -> np.ndarray:
    """The first rows of the window: uint32, shape (count, 12)."""
    packed = int(str(dut.rows.value), 2)
    n_bytes = len(dut.rows) // 8
    return np.frombuffer(packed.to_bytes(n_bytes, "little"), "<u4").reshape(-1, ROW_WORDS)[:count]


def end_with(parent: int) -> None:
    """Have the kernel end this process with its parent, where the kernel is Linux."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1  # <linux/prctl.h>
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        sys.exit(1)


@cocotb.test()
async def lockstep(dut) -> None:
    job = Path(os.environ["BSDGEN_JOB"])
    parent = int(os.environ["BSDGEN_PARENT"])
    end_with(parent)
    expected = Expected(np.load(job / "rows.npy", mmap_mode="r"), np.load(job / "care.npy", mmap_mode="r"))
    dut.rst.value = 1
    Clock(dut.clk, CYCLE, unit="step", impl="gpi").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    begun = get_sim_time("step")

    retired, wrong, done, hung = 0, None, False, False
    registers = registers_before(expected, 0)
    strobe, seen = 0, 0  # rows of the window that were compared before it was full
    while wrong is None and not done and not hung and os.getppid() == parent:
        await First(ValueChange(dut.strobe), Timer(CYCLE * HANG_CYCLES, "step"))
        full = int(dut.strobe.value) != strobe
        strobe ^= full
        count = int((dut.count if full else dut.fill).value)
        rows = read_block(dut, count)[seen:]
        seen = 0 if full else count
        done = bool(dut.done.value)
        hung = len(rows) == 0
        at = first_difference(rows, expected, retired, registers)
        if at is not None:
            wrong = rows[at]
        retired += len(rows) if at is None else at
    result = {
        "retired": retired,
        "cycles": int(get_sim_time("step") - begun) // CYCLE,
        "done": done,
        "hung": hung,
        "tohost": int(dut.value.value),
        "wrong": None if wrong is None else [int(word) for word in wrong],
    }
    (job / "result.json").write_text(json.dumps(result))
