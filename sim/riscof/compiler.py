"""Compiling architecture tests, for both plugins."""

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_E_FLAGS, _EF_RISCV_RVC = 36, 1  # where a 32-bit ELF has its flags, and which one
HERE = Path(__file__).resolve().parent
_FLAGS = "-march={isa} -mabi=ilp32 -static -mcmodel=medany -nostdlib -nostartfiles -Wl,--build-id=none -Wl,-n"


def _clear_rvc_flag(elf):
    """Take back that a file has compressed instructions.

    The macros of riscv-arch-test switch them on around an alignment, which makes none but marks the file. A
    test that had some would trap on the core, and fail.
    """
    with elf.open("r+b") as file:
        file.seek(_E_FLAGS)
        flags = file.read(1)[0]
        file.seek(_E_FLAGS)
        file.write(bytes([flags & ~_EF_RISCV_RVC]))


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
        _clear_rvc_flag(elf)
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
