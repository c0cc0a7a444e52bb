"""Yosys and its ABC, both from the PyPI package `pyosys`, each call a process of its own.

A Yosys error ends the process that it happens in, so Yosys never runs inside bsdgen's.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bsdgen.artifacts import check_room
from bsdgen.errors import CommandFailed, ToolError, ToolRefusal, ToolTimeout

_RUN_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
design.run_pass("script " + sys.argv[1])
"""
# A place in a source, or a loop of gates; a file that cannot be opened or written has no place.
_REFUSAL = re.compile(r"^(\S.*:\d+: ERROR:|ERROR: .*\bloop\b)", re.MULTILINE)
_INSTALL = "install it with `pip install pyosys`"


def _package() -> Path:
    spec = importlib.util.find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise ToolError(f"Yosys is missing: the Python package pyosys is not installed; {_INSTALL}")
    return Path(spec.origin).parent


def yosys_share() -> Path:
    """Folder of what Yosys has on each family of parts: models of cells, for instance.

    Raises
    ------
    ToolError
        pyosys is not installed.
    """
    return _package() / "share"


def abc_binary() -> Path:
    """The `yosys-abc` that pyosys brings.

    Raises
    ------
    ToolError
        pyosys is not installed, or brings no ABC.
    """
    package = _package()
    for name in ("yosys-abc", "yosys-abc.exe", "abc"):
        if (package / name).is_file():
            return package / name
    raise ToolError(f"ABC is missing: {package} holds no yosys-abc; {_INSTALL} (0.60 or later)")


def _run(command: Sequence[str], name: str, cwd: Path | None, timeout_s: float | None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{name} cannot be started ({error}); {_INSTALL} again") from error
    except subprocess.TimeoutExpired as error:
        raise ToolTimeout(
            f"{name} did not end within {timeout_s:g} s; raise the time limit or shrink the job"
        ) from error
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        check_room(log, name)
        tail = "\n".join(log.strip().splitlines()[-8:])
        kind = ToolRefusal if _REFUSAL.search(log) else ToolError
        raise kind(f"{name} failed with exit code {done.returncode}; the end of what it printed:\n{tail}")
    return log


def run_abc(commands: Sequence[str], *, cwd: Path | None = None, timeout_s: float | None = 600) -> str:
    """Run ABC commands and return what ABC printed.

    Aliases such as ``resyn2`` do not exist here: they live in an abc.rc that the package does not have.

    Raises
    ------
    ToolTimeout
        It does not end in time.
    CommandFailed
        It reports an error.
    ToolError
        ABC is missing, cannot read or write a file, or is ended from outside.
    """
    log = _run([str(abc_binary()), "-c", "; ".join(commands)], "yosys-abc", cwd, timeout_s)
    wrong = re.search(
        r"^(\*\* cmd error.*|.*: No such file.*|Cannot open.*|.*has failed\.)$", log, re.MULTILINE
    )
    if wrong:
        check_room(log, "yosys-abc")
        kind = ToolError if "open" in wrong.group(0).lower() or "No such file" in log else CommandFailed
        raise kind(f"yosys-abc reports {wrong.group(0).strip()!r} in: {'; '.join(commands)}")
    return log


def run_yosys(commands: Sequence[str], *, cwd: Path, timeout_s: float | None = 600) -> str:
    """Run Yosys commands in folder `cwd`, which must be writable, and return what Yosys printed.

    Raises
    ------
    ToolTimeout
        It does not end in time.
    ToolRefusal
        It refuses a source.
    ToolError
        Yosys is missing or reports another error.
    """
    _package()
    script = "run.ys"  # by its name in `cwd`: Yosys ends a file's name at the first space
    (cwd / script).write_text("\n".join(commands) + "\n", encoding="utf-8")
    return _run([sys.executable, "-c", _RUN_SCRIPT, script], "Yosys (pyosys)", cwd, timeout_s)
