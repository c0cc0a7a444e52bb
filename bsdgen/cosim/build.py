"""The simulator: the core and the test bench, compiled by Verilator, for cocotb or for the C++ harness.

cocotb's own runner makes every net visible to Python, which costs half of the speed on a netlist of
single-bit wires; here only what the bench marks is visible, so Verilator is called directly. Built in a
temporary folder, because make cannot build under a path with spaces; what stays is one executable, named by
the hash of what it was built from.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from bsdgen.artifacts import atomic_path
from bsdgen.cosim.verilator import compile_simulator, find_verilator
from bsdgen.errors import InputError, ToolError

CACHE = "cosim_build"
SMALL_DEPTH = 1 << 18  # words of the bench's memory: 1 MiB, all that most programs have
_KEEP = 4  # simulators a kind: going back to the Verilog before an experiment needs no build


@dataclass(frozen=True)
class Kind:
    """A way to build the bench.

    Attributes
    ----------
    name : first part of the executable's name.
    files : what of ``sim`` goes into it, the bench first.
    flags : of Verilator.
    make : optimisation, for Verilator's makefile.
    """

    name: str
    files: tuple[str, ...]
    flags: tuple[str, ...]
    make: tuple[str, ...]


# Under cocotb the nodes are bit operations on memory that only tens of millions of instructions would repay
# optimising: -O1 takes ten times longer to compile than -O0 and saves a few microseconds a cycle.
COCOTB = Kind(
    "bench",
    ("bench.v",),
    ("--vpi", "--output-split", "20000", "--output-split-cfuncs", "500"),
    ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"),
)
# Without an interface all nets are local variables. In one function at -O1 they make the fastest simulator:
# 1.1 times as fast as several functions or -O2, three times as fast as -O0.
_SPLIT = ("--output-split", "20000", "--output-split-cfuncs", "20000")  # for netlists of another size
_FAST = ("-GBLOCK=1", "--x-assign", "fast", "--x-initial", "fast")
_FAST_MAKE = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
_QUICK_MAKE = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # runs one program, once
_FAST_FILES = ("bench.v", "harness.cpp", "reference.h")
HARNESS = Kind("harness", _FAST_FILES, (*_FAST, *_SPLIT), _FAST_MAKE)
TRACED = Kind("traced", _FAST_FILES, (*_FAST, *COCOTB.flags[1:], "--trace-vcd"), _QUICK_MAKE)
_BUS_FILES = ("bench_bus.v", *_FAST_FILES[1:])
BUS_HARNESS = Kind("harness_bus", _BUS_FILES, HARNESS.flags, HARNESS.make)
BUS_TRACED = Kind("traced_bus", _BUS_FILES, TRACED.flags, TRACED.make)
_WISHBONE = "-DWISHBONE"
WISHBONE_HARNESS = Kind("harness_wishbone", _BUS_FILES, (*HARNESS.flags, _WISHBONE), HARNESS.make)
WISHBONE_TRACED = Kind("traced_wishbone", _BUS_FILES, (*TRACED.flags, _WISHBONE), TRACED.make)


@dataclass(frozen=True)
class Cocotb:
    """Where the parts of cocotb are."""

    libs: Path
    main: Path
    libpython: str


def find_bench() -> Path:
    """Folder with the test bench, ``sim`` of the clone.

    Raises
    ------
    InputError
        It is not there.
    """
    folder = Path(__file__).resolve().parents[2] / "sim"
    for name in ("bench.v", "bench_bus.v", "lockstep.py", "harness.cpp", "picorv32.cpp", "reference.h"):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: is missing; co-simulation needs a clone of bsdgen, "
                "installed by `pip install -e .`"
            )
    return folder


def find_cocotb() -> Cocotb:
    """Find cocotb and the shared library of this Python; errors as in `find_verilator`."""
    if util.find_spec("cocotb_tools") is None:
        raise ToolError("cocotb is missing; install it with `pip install 'cocotb>=2.1,<3'`")
    import find_libpython
    from cocotb_tools import config

    libpython = find_libpython.find_libpython()
    if libpython is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(
            f"the shared library of Python {version} is missing, cocotb needs it; install it with "
            f"`apt install libpython{version}`, or use `--harness fast`"
        )
    main = Path(config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    return Cocotb(Path(config.libs_dir), main, str(libpython))


def source_digest(sources: Sequence[Path], core: str, kind: Kind = COCOTB, depth: int = SMALL_DEPTH) -> str:
    """Hash of all that a build depends on."""
    digest = hashlib.sha256(f"{core} {kind} {depth} ".encode())
    for package in ("verilator", "cocotb"):
        digest.update(f"{package} {_version(package)} ".encode())
    for source in sources:
        digest.update(source.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _compile(sources: Sequence[Path], core: str, kind: Kind, depth: int, work: Path) -> Path:
    """Compile in folder `work`; all is reached through it, as paths may have spaces."""
    files = list(sources)
    flags = [f"-DCORE={core}", *kind.flags, f"-GDEPTH={depth}"]
    if kind is COCOTB:
        cocotb = find_cocotb()
        (work / "libs").symlink_to(cocotb.libs)
        files.append(cocotb.main)
        flags += ["-LDFLAGS", "-Llibs -lcocotbvpi_verilator"]
    return compile_simulator(files, "bench", flags, kind.make, work)


def build(
    sources: Sequence[Path], core: str, cache: Path, kind: Kind = COCOTB, depth: int = SMALL_DEPTH
) -> Path:
    """The simulator of a core; taken from the cache if it was built from the same files before.

    Parameters
    ----------
    sources : Verilog of the core and its modules; the bench is added.
    core : name of the core's module.
    cache : folder that keeps the last executables.
    kind : what it is driven by.
    depth : words of the bench's memory, a power of two.

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
    folder = find_bench()
    files = [*(folder / name for name in kind.files), *sources]
    simulator = cache.resolve() / f"{kind.name}-{source_digest(files, core, kind, depth)}"
    if simulator.is_file() and os.access(simulator, os.X_OK):
        return simulator
    find_verilator()
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        compiled = _compile(files, core, kind, depth, Path(name))
        kept = sorted(cache.glob(f"{kind.name}-*"), key=lambda path: path.stat().st_mtime)
        for old in kept[: 1 - _KEEP]:
            old.unlink(missing_ok=True)
        with atomic_path(simulator, mode=0o777) as temporary:
            shutil.copyfile(compiled, temporary)
    return simulator
