"""Architecture tests through RISCOF, which runs in an environment of its own (``sim/riscof``).

RISCOF compiles each test, lets both plugins run it, and compares the signatures; here its environment is
made, its configuration written, and its verdicts read.
"""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bsdgen.cosim.simulator import simulator_of
from bsdgen.cosim.spike import find_spike
from bsdgen.errors import InputError, ToolError

COMPILERS = (
    "riscv64-unknown-elf-gcc",
    "riscv32-unknown-elf-gcc",
    "riscv-none-elf-gcc",
    "riscv64-elf-gcc",
    "riscv32-elf-gcc",
)
BASE = "RV32I"
_ISA = re.compile(r'^\s*RVTEST_ISA\("([^"]*)"\)', re.MULTILINE)
_VERDICT = re.compile(r"(?:INFO|ERROR) \| (\S+\.S)\s+: \S+\s+: (Passed|Failed)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class ArchitectureTest:
    """One test: its path within the suite, and whether the signatures agree."""

    name: str
    passed: bool


@dataclass(frozen=True)
class Suite:
    """Where tests are: folder of ``.S`` files, and that of ``arch_test.h``."""

    tests: Path
    env: Path


def plugin_folder() -> Path:
    """``sim/riscof`` of the clone.

    Raises
    ------
    InputError
        It is not there.
    """
    folder = Path(__file__).resolve().parents[2] / "sim" / "riscof"
    if not (folder / "requirements.txt").is_file():
        raise InputError(f"{folder}: is missing; RISCOF's plugins are part of a clone of bsdgen")
    return folder


def find_suite(path: Path) -> Suite:
    """The suite at a path: a checkout of riscv-arch-test, its folder riscv-test-suite, or one like that.

    Raises
    ------
    InputError
        There is none, or it has no tests for the base that the core has.
    """
    for root in (path / "riscv-test-suite", path):
        if (root / "env" / "arch_test.h").is_file():
            suite = Suite(root.resolve(), (root / "env").resolve())
            if not base_tests(suite):
                raise InputError(f'{root}: has no tests for {BASE} (files with RVTEST_ISA("{BASE}"))')
            return suite
    raise InputError(
        f"{path}: is no suite of architecture tests: neither riscv-test-suite/env/arch_test.h nor "
        "env/arch_test.h is there; give a checkout of riscv-arch-test, of format 2 or 3"
    )


def base_tests(suite: Suite) -> list[Path]:
    """Tests for the base alone, relative to the suite."""
    found = []
    for file in sorted(suite.tests.rglob("*.S")):
        with file.open(encoding="utf-8", errors="replace") as text:
            declared = _ISA.search(text.read(1 << 16))
        if declared and BASE in [isa.strip() for isa in declared.group(1).split(",")]:
            found.append(file.relative_to(suite.tests))
    return found


def find_compiler() -> str:
    """A C compiler for RISC-V.

    Raises
    ------
    ToolError
        There is none.
    """
    for name in COMPILERS:
        if shutil.which(name):
            return name
    raise ToolError(
        f"a C compiler for RISC-V is missing (looked for {', '.join(COMPILERS)}); install it with "
        "`apt install gcc-riscv64-unknown-elf`, or name yours with --compiler"
    )


def make_environment(folder: Path) -> Path:
    """RISCOF's program, in a virtual environment of its own that is made if it is not there.

    Raises
    ------
    ToolError
        The environment cannot be made.
    """
    riscof = folder / "bin" / "riscof"
    if riscof.is_file():
        return riscof.resolve()
    requirements = plugin_folder() / "requirements.txt"
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "-r", str(requirements)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise ToolError(
                f"RISCOF's environment {folder} cannot be made ({' '.join(command[-3:])}): "
                + (done.stdout + done.stderr).strip()[-2000:]
            )
    return riscof.resolve()


def _mirror(suite: Suite, folder: Path) -> int:
    """Links to the tests that apply: RISCOF stumbles over suites in repositories that it does not know."""
    tests = base_tests(suite)
    for test in tests:
        link = folder / test
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(suite.tests / test)
    return len(tests)


def _configuration(model: Path, compiler: str, spike: str) -> str:
    plugins = plugin_folder()
    config = configparser.ConfigParser(interpolation=None)
    config["RISCOF"] = {
        "ReferencePlugin": "bsdgen_reference",
        "ReferencePluginPath": str(plugins),
        "DUTPlugin": "bsdgen_core",
        "DUTPluginPath": str(plugins),
    }
    common = {"pluginpath": str(plugins), "python": sys.executable, "compiler": compiler}
    config["bsdgen_core"] = {
        **common,
        "model": str(model.resolve()),
        "ispec": str(plugins / "core_isa.yaml"),
        "pspec": str(plugins / "core_platform.yaml"),
    }
    config["bsdgen_reference"] = {**common, "spike": spike}
    lines = []
    for section, values in config.items():
        if values:
            lines += [f"[{section}]", *(f"{key}={value}" for key, value in values.items()), ""]
    return "\n".join(lines)


def run_architecture_tests(
    model: Path,
    suite: Suite,
    out: Path,
    *,
    riscof: Path,
    compiler: str,
    reference: str = "spike",
    stage: Callable[[str], None] = lambda _: None,
) -> list[ArchitectureTest]:
    """Run all tests of a suite that are for the base alone.

    Parameters
    ----------
    model : folder of a learned and emitted model.
    out : folder for RISCOF's work and report; what is in it goes.
    riscof : see `make_environment`.
    compiler : command of a C compiler for RISC-V.
    reference : "spike", or "simulator" for our own.
    stage : called with what is being done.

    Raises
    ------
    InputError
        Nothing is emitted.
    ToolError
        A tool is missing, or RISCOF does not come to its end.
    """
    spike = str(find_spike().resolve()) if reference == "spike" else ""
    stage("building the simulator")
    simulator_of(model)
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        folder = Path(name)
        n_tests = _mirror(suite, folder / "suite")
        (folder / "config.ini").write_text(_configuration(model, compiler, spike), encoding="utf-8")
        out.mkdir(parents=True, exist_ok=True)
        stage(f"running {n_tests} tests")
        command = [
            str(riscof),
            "run",
            "--config",
            str(folder / "config.ini"),
            "--suite",
            str(folder / "suite"),
        ]
        command += ["--env", str(suite.env), "--work-dir", str(out.resolve()), "--no-browser"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, stdin=subprocess.DEVNULL
        )
        text = _ANSI.sub("", done.stdout + done.stderr)
        tests = [
            ArchitectureTest(file.partition(str(folder / "suite"))[2].lstrip("/"), verdict == "Passed")
            for file, verdict in _VERDICT.findall(text)
        ]
    if len(tests) != n_tests or not (out / "report.html").is_file():
        raise ToolError(
            f"RISCOF gave verdicts on {len(tests)} of {n_tests} tests (exit code {done.returncode}); the end "
            "of what it printed:\n" + "\n".join(text.strip().splitlines()[-15:])
        )
    return tests
