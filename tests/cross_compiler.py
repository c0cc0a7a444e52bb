"""The compiler that the committed programs were built with: without it tests skip, and fail in CI."""

import os
import shutil
import subprocess

import pytest

COMPILER = "riscv64-unknown-elf-gcc"
COMPILER_VERSION = "12.2.0"  # other versions give other bytes


def need_compiler() -> None:
    """Skip the test, or fail it in CI, unless programs can be built to the same bytes."""
    missing = ""
    if shutil.which(COMPILER) is None:
        missing = f"{COMPILER} is not installed (Debian: gcc-riscv64-unknown-elf)"
    else:
        version = subprocess.run(
            [COMPILER, "-dumpversion"], capture_output=True, text=True, check=True
        ).stdout.strip()
        if version != COMPILER_VERSION:
            missing = f"{COMPILER} is {version}, the programs were built with {COMPILER_VERSION}"
    if missing:
        message = f"NOT CHECKED that the committed programs match their sources: {missing}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
