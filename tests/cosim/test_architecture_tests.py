"""What is around RISCOF; RISCOF itself runs in test_cosimulate, on a core that is built there."""

import configparser
import os
from pathlib import Path

import pytest

from bsdgen.cosim import architecture_tests as tests
from bsdgen.cosim.architecture_tests import (
    Suite,
    base_tests,
    find_compiler,
    find_suite,
    make_environment,
    plugin_folder,
    run_architecture_tests,
)
from bsdgen.errors import InputError, ToolError

OWN = plugin_folder() / "suite"


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def checkout(tmp_path):
    """A checkout with tests for several machines."""
    root = tmp_path / "arch" / "riscv-test-suite"
    write(root / "env" / "arch_test.h")
    for name, isa in (
        ("rv32i_m/I/src/add-01.S", "RV32I"),
        ("rv32i_m/I/src/both-01.S", "RV32IM, RV32I"),
        ("rv32i_m/M/src/mul-01.S", "RV32IM"),
        ("rv32i_m/privilege/src/ecall.S", "RV32I_Zicsr"),
        ("rv64i_m/I/src/add-01.S", "RV64I"),
    ):
        write(root / name, f'#include "arch_test.h"\nRVTEST_ISA("{isa}")\n')
    write(root / "rv32i_m/I/src/none.S", "# RVTEST_ISA is not said\n")
    return root.parent


def test_only_tests_for_the_base_are_taken(checkout):
    for path in (checkout, checkout / "riscv-test-suite"):
        suite = find_suite(path)
        assert suite == Suite(checkout / "riscv-test-suite", checkout / "riscv-test-suite" / "env")
        assert [str(test) for test in base_tests(suite)] == [
            "rv32i_m/I/src/add-01.S",
            "rv32i_m/I/src/both-01.S",
        ]


def test_own_suite_is_one():
    assert len(base_tests(find_suite(OWN))) == 4


def test_what_is_no_suite(tmp_path):
    with pytest.raises(InputError, match=r"is no suite of architecture tests.*give a checkout"):
        find_suite(tmp_path)
    write(tmp_path / "env" / "arch_test.h")
    with pytest.raises(InputError, match="has no tests for RV32I"):
        find_suite(tmp_path)


def test_compiler(monkeypatch):
    monkeypatch.setattr(tests.shutil, "which", lambda name: name if name.startswith("riscv32") else None)
    assert find_compiler() == "riscv32-unknown-elf-gcc"
    monkeypatch.setattr(tests.shutil, "which", lambda _: None)
    with pytest.raises(ToolError, match=r"C compiler for RISC-V is missing.*apt install"):
        find_compiler()


def test_environment_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    python = write(tmp_path / "python", "#!/bin/sh\nmkdir -p $3/bin; echo no such thing; exit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(tests.sys, "executable", str(python))
    with pytest.raises(ToolError, match=r"environment .* cannot be made.*no such thing"):
        make_environment(tmp_path / "env")
    assert not (tmp_path / "env").exists()


def riscof(folder, *lines, code=0):
    """A stand-in for RISCOF that prints lines (SUITE stands for the suite's path) and writes a report."""
    text = "".join(f'printf "%b\\n" "{line}" | sed "s|SUITE|$suite|"\n' for line in lines)
    script = f"""#!/bin/bash
while (($#)); do
  case "$1" in --suite) suite=$2;; --work-dir) out=$2;; --config) cp "$2" {folder}/config;; esac
  shift
done
ls "$suite"/rv32i_m/I/src > {folder}/listing
touch "$out/report.html"
{text}exit {code}
"""
    path = write(folder / "riscof", script)
    path.chmod(0o755)
    return path


def test_verdicts_are_read(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(tests, "simulator_of", lambda _: None)
    program = riscof(
        tmp_path,
        "    INFO | SUITE/rv32i_m/I/src/add-01.S : -          : Passed",
        "   \\033[31mERROR\\033[0m | SUITE/rv32i_m/I/src/both-01.S : 12ab        : Failed",
        code=1,
    )
    found = run_architecture_tests(
        tmp_path / "model", find_suite(checkout), tmp_path / "out", riscof=program, compiler="cc -x",
        reference="simulator",
    )  # fmt: skip
    assert [(test.name, test.passed) for test in found] == [
        ("rv32i_m/I/src/add-01.S", True),
        ("rv32i_m/I/src/both-01.S", False),
    ]
    assert (tmp_path / "listing").read_text().split() == ["add-01.S", "both-01.S"]
    config = configparser.ConfigParser(interpolation=None)
    config.read(tmp_path / "config")
    assert config["bsdgen_core"]["model"] == str(tmp_path / "model")
    assert config["bsdgen_core"]["compiler"] == "cc -x"
    assert config["bsdgen_reference"]["spike"] == ""


def test_riscof_that_breaks_down_is_no_success(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(tests, "simulator_of", lambda _: None)
    program = riscof(tmp_path, "    INFO | SUITE/rv32i_m/I/src/add-01.S : -   : Passed", "what went wrong")
    with pytest.raises(ToolError, match=r"verdicts on 1 of 2 tests(?s:.*)what went wrong"):
        run_architecture_tests(
            Path("model"), find_suite(checkout), tmp_path / "out", riscof=program, compiler="cc",
            reference="simulator",
        )  # fmt: skip


def test_plugins_have_what_riscof_asks_for():
    files = {path.name for path in plugin_folder().iterdir()}
    assert {"riscof_bsdgen_core.py", "riscof_bsdgen_reference.py", "core_isa.yaml", "env"} <= files
    assert os.access(plugin_folder() / "env" / "model_test.h", os.R_OK)
