"""RISCOF's plugin for the reference: Spike, or where there is none bsdgen's own simulator.

Keys of its section in config.ini: spike (path, or empty), python (that of bsdgen's environment), compiler.
"""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from compiler import compile_tests, give_signatures
from riscof.pluginTemplate import pluginTemplate

_MEMORY = "0x80000000:0x1000000"
_TIMEOUT_S = 120


class bsdgen_reference(pluginTemplate):
    __model__ = "reference"
    __version__ = "1"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config = kwargs["config"]
        self.__model__ = "Spike" if self.config["spike"] else "bsdgen simulator"

    def initialise(self, suite, work_dir, archtest_env):
        self.env = archtest_env

    def build(self, isa_yaml, platform_yaml):
        """There is nothing to build."""

    def runTests(self, testList, cgf_file=None):
        elfs = compile_tests(self.config["compiler"], testList, self.env, "ref.elf")
        made = {test: elf.with_suffix(".raw") for test, elf in elfs.items()}
        if self.config["spike"]:
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                list(pool.map(lambda test: self._spike(elfs[test], made[test]), elfs))
        else:
            pairs = [str(path) for test in elfs for path in (elfs[test], made[test])]
            subprocess.run([self.config["python"], "-m", "bsdgen.isa.signature", *pairs], check=True)
        give_signatures(testList, made, self.name)

    def _spike(self, elf, signature):
        command = [self.config["spike"], "--isa=rv32i", f"-m{_MEMORY}", f"+signature={signature}"]
        command += ["+signature-granularity=4", str(elf)]
        subprocess.run(command, capture_output=True, check=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL)
