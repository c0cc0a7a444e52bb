"""Where figures were measured: without it a second means nothing."""

import os
import platform
from pathlib import Path

import msgspec

from bsdgen.artifacts import tool_versions


class Machine(msgspec.Struct, frozen=True):
    """What a benchmark ran on.

    Attributes
    ----------
    cpu : model name.
    cores : cores that this process may use.
    python, tools : versions.
    """

    cpu: str
    cores: int
    python: str
    tools: dict[str, str]


def this_machine() -> Machine:
    """The machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    tools = tool_versions("numpy", "numba", "pyosys", "python-sat", "dd")
    return Machine(_cpu_model(), cores, platform.python_version(), tools)


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
