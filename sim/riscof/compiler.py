"""Compiling architecture tests, for both plugins."""

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
_FLAGS = "-march={isa} -mabi=ilp32 -static -mcmodel=medany -nostdlib -nostartfiles -Wl,--build-id=none -Wl,-n"


def compile_tests(compiler, tests, env, name):
    """Compile each test.

    Parameters
    ----------
    compiler : command, like riscv64-unknown-elf-gcc.
    tests : RISCOF's test list: dictionaries by test, with test_path, work_dir, isa and macros.
    env : folder of arch_test.h.
    name : of the executable, in the test's work folder.

    Returns
    -------
    The executables by test.
    """

    def build(test):
        entry = tests[test]
        elf = Path(entry["work_dir"]) / name
        command = [*shlex.split(compiler), *_FLAGS.format(isa=entry["isa"].lower()).split()]
        command += ["-T", str(HERE / "env" / "link.ld"), "-I", str(HERE / "env"), "-I", str(env)]
        command += [f"-D{macro}" for macro in entry["macros"]]
        done = subprocess.run(
            [*command, entry["test_path"], "-o", str(elf)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{entry['test_path']}: does not compile:\n{done.stderr[-2000:]}")
        return test, elf

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(pool.map(build, tests))


def give_signatures(tests, made, name):
    """Put the signature of each test where RISCOF looks for it.

    A test without one gets a line that says so: RISCOF would stop at a missing file, and fails at this one.

    Parameters
    ----------
    made : where the signature of each test should be.
    name : the plugin's name as RISCOF gives it.
    """
    for test, entry in tests.items():
        text = made[test].read_text() if made[test].is_file() else f"{name} did not end this test\n"
        (Path(entry["work_dir"]) / f"{name[:-1]}.signature").write_text(text)
