"""RISCOF's plugin for the device: the learned core in Verilator.

Keys of its section in config.ini: python (that of bsdgen's environment), model (folder of a learned model),
compiler (command of a C compiler for RISC-V), ispec, pspec.
"""

import subprocess
import tempfile
from pathlib import Path

from compiler import compile_tests, give_signatures
from riscof.pluginTemplate import pluginTemplate


class bsdgen_core(pluginTemplate):
    __model__ = "bsdgen core"
    __version__ = "1"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config = kwargs["config"]
        self.isa_spec = str(Path(self.config["ispec"]).resolve())
        self.platform_spec = str(Path(self.config["pspec"]).resolve())

    def initialise(self, suite, work_dir, archtest_env):
        self.env = archtest_env

    def build(self, isa_yaml, platform_yaml):
        """The simulator is built with the first test."""

    def runTests(self, testList):
        elfs = compile_tests(self.config["compiler"], testList, self.env, "dut.elf")
        with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
            work, files, made = Path(name), [], {}
            for number, (test, elf) in enumerate(elfs.items()):
                files.append(work / f"{number}.elf")
                files[-1].symlink_to(elf)
                made[test] = work / "signatures" / f"{number}.signature"
            # Alone: whether it is right is for the signatures to say; exit code 1: a test did not end.
            command = [self.config["python"], "-m", "bsdgen", "cosim", self.config["model"], *map(str, files)]
            command += [
                "--against",
                "none",
                "--signature",
                str(work / "signatures"),
                "--wave",
                "0",
                "--quiet",
            ]
            if len(files) == 1:
                command[command.index("--signature") + 1] = str(made[next(iter(elfs))])
                (work / "signatures").mkdir()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1):
                raise SystemExit(f"the core cannot be run: {done.stderr.strip()}")
            give_signatures(testList, made, self.name)
