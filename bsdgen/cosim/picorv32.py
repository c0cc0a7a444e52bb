"""PicoRV32 as another source of rows: what its RVFI port shows of programs.

The user brings ``picorv32.v``; it is built by Verilator with ``RISCV_FORMAL`` defined, around it
``sim/picorv32.cpp`` with the memory. It is as its parameters' defaults make it, but for `PARAMETERS`. A trap
halts it; the harness then resets it, which leaves registers alone, and it goes on at the program's entry + 4,
as `bsdgen.isa.machine` has it.

**Inputs** are as recorded: `rs1_rdata` and `rs2_rdata` are 0 where the core did not read them, `mem_rdata`
where it loaded nothing, and `insn` has 16 bits where its lowest two are not 11.

**Care.** RVFI has no care bits: it says 0 where there is nothing to say. An output bit is cared where what it
says is known:

==================  ===================================================================================
output              cared
==================  ===================================================================================
rs1_addr, rs2_addr  if not 0: a 0 may be x0, and may be that nothing was read
rd_addr             always, after a trap too: this is what the core wrote
rd_wdata            if rd_addr is not 0
pc_wdata            if there is no trap
mem_addr            if a bit of either mask is set
mem_rmask           always; a load has all four bits, since the core reads whole words
mem_wmask           always
mem_wdata           the bytes of mem_wmask
trap                always
==================  ===================================================================================

Nothing is mended by what is known of RV32I. So rows tell what this core does, and where that is not what
`bsdgen.isa.step` does, they say so (`differing_bits`).
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import sha256, tool_versions
from bsdgen.cosim.build import find_bench
from bsdgen.cosim.harness import Harness
from bsdgen.cosim.verilator import compile_simulator
from bsdgen.errors import EndlessError, InputError
from bsdgen.isa.machine import Memory, trap_pc
from bsdgen.isa.program import Program
from bsdgen.isa.runner import MAX_STEPS, Run, rows_from_inputs
from bsdgen.traces.schema import RVFI_SCHEMA

PARAMETERS = {"ENABLE_COUNTERS": 0, "ENABLE_COUNTERS64": 0, "REGS_INIT_ZERO": 1}
"""Parameters that are not the core's defaults: RV32I has no counters, and registers are 0 at first."""

TOP = "picorv32"
_HARNESS = "picorv32.cpp"
_FIELDS = tuple(field.name for field in RVFI_SCHEMA.fields)
_MAKE = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # compiling takes longer than running

Rows = dict[str, NDArray[np.uint32]]


def check_core(core: Path) -> None:
    """Refuse a file that is not the Verilog of PicoRV32 with its RVFI port.

    Raises
    ------
    InputError
        It cannot be read, or has no such module or port.
    """
    try:
        text = core.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{core}: cannot be read ({error.strerror}); give picorv32.v of YosysHQ/picorv32"
        ) from error
    for word in (f"module {TOP}", "rvfi_valid"):
        if word not in text:
            raise InputError(
                f"{core}: has no {word!r}, expected module {TOP} with its RVFI port; give picorv32.v of "
                "YosysHQ/picorv32"
            )


def cares(rows: Rows) -> Rows:
    """Care masks of the outputs, ``<output>_care``, by the module's table."""
    full = {field.name: np.uint32((1 << field.width) - 1) for field in RVFI_SCHEMA.outputs}
    lanes = np.zeros_like(rows["mem_wmask"])
    for byte in range(4):
        lanes |= (rows["mem_wmask"] >> np.uint32(byte) & np.uint32(1)) * np.uint32(0xFF << 8 * byte)
    known = {
        "rs1_addr": rows["rs1_addr"] != 0,
        "rs2_addr": rows["rs2_addr"] != 0,
        "rd_wdata": rows["rd_addr"] != 0,
        "pc_wdata": rows["trap"] == 0,
        "mem_addr": (rows["mem_rmask"] | rows["mem_wmask"]) != 0,
    }
    everywhere = np.ones_like(lanes, np.bool_)
    masks = {name: np.where(known.get(name, everywhere), full[name], np.uint32(0)) for name in full}
    masks["mem_wdata"] = lanes
    return {f"{name}_care": mask for name, mask in masks.items()}


def differing_bits(rows: Rows) -> dict[str, tuple[int, int]]:
    """Rows held against the reference model: (differing, compared) bits by output.

    Compared are the bits that both care for, on the rows' own inputs.
    """
    ours = rows_from_inputs(np.array([rows[field.name] for field in RVFI_SCHEMA.inputs], np.uint32))
    counts = {}
    for field in RVFI_SCHEMA.outputs:
        care = rows[f"{field.name}_care"] & ours[f"{field.name}_care"]
        wrong = (rows[field.name] ^ ours[field.name]) & care
        counts[field.name] = (int(np.bitwise_count(wrong).sum()), int(np.bitwise_count(care).sum()))
    return counts


def differing_text(counts: dict[str, tuple[int, int]]) -> str:
    """One line of `differing_bits`."""
    differing, compared = (sum(part) for part in zip(*counts.values(), strict=True))
    where = [f"{name} {count:,}" for name, (count, _) in counts.items() if count]
    more = f" ({', '.join(where)})" if where else ""
    return f"cared bits that differ from the reference model: {differing:,} of {compared:,}{more}"


class PicoRV32:
    """The built core; a simulator for each address that programs begin at.

    Parameters
    ----------
    core : the user's ``picorv32.v``.
    work : a folder for simulators and what passes between them and us.

    Raises
    ------
    InputError
        `core` is not what it should be, or the harness is missing.
    """

    def __init__(self, core: Path, work: Path) -> None:
        check_core(core)
        self._core = core
        self._work = work
        self._harnesses: dict[int, Harness] = {}

    def run(self, program: Program, *, max_steps: int = MAX_STEPS) -> Run:
        """Run a program to its store to `tohost`; its rows have every field of the schema and care masks.

        Raises
        ------
        EndlessError
            It did not end within `max_steps` instructions.
        InputError
            It has no `tohost`, or the core stopped retiring.
        ToolError
            Verilator is missing, or refuses the core; or the simulator broke down.
        """
        memory = Memory(program)
        tohost = program.tohost
        memory.words.astype("<u4").tofile(self._work / "image.bin")
        job: dict[str, str | int] = {"image": "image.bin", "rows": "rows.bin"}
        job |= {"base": memory.base, "tohost": tohost, "max_steps": max_steps}
        answer = self._harness(trap_pc(program)).run(job)
        if answer["hung"]:
            raise InputError(
                f"{program.path}: {TOP} stopped retiring after {answer['retired']} instructions, at pc "
                f"{answer['pc']:#x}; expected a store to 'tohost': mend the program or the core"
            )
        if not answer["ended"]:
            raise EndlessError(
                f"{program.path}: retired {answer['retired']} instructions on {TOP} without a word store to "
                f"'tohost' ({tohost:#x}), pc is {answer['pc']:#x}; expected an end within {max_steps}: "
                "mend the program or raise the step limit"
            )
        table = np.fromfile(self._work / "rows.bin", "<u4").astype(np.uint32).reshape(-1, len(_FIELDS))
        rows = dict(zip(_FIELDS, np.ascontiguousarray(table.T), strict=True))
        return Run(program, rows | cares(rows), int(answer["retired"]), int(answer["tohost"]))

    def facts(self, max_steps: int) -> dict[str, Any]:
        """What provenance says of the core; it names no oracle."""
        return {
            "oracle": "",
            "core": self._core.name,
            "core_sha256": sha256(self._core),
            "core_parameters": PARAMETERS,
            "config": {"max_steps": max_steps},
            "tools": tool_versions("numpy", "pyarrow", "verilator"),
        }

    def _harness(self, reset: int) -> Harness:
        if reset not in self._harnesses:
            folder = Path(tempfile.mkdtemp(dir=self._work))
            source = folder / f"{TOP}.v"
            shutil.copyfile(self._core, source)
            build = folder / "build"
            build.mkdir()
            flags = [f"-G{name}={value}" for name, value in PARAMETERS.items()]
            flags += [f"-GPROGADDR_RESET=32'h{reset:08x}", "-DRISCV_FORMAL"]
            sources = [source, find_bench() / _HARNESS]
            self._harnesses[reset] = Harness(compile_simulator(sources, TOP, flags, _MAKE, build), self._work)
        return self._harnesses[reset]

    def stop(self) -> None:
        """End the simulators."""
        for harness in self._harnesses.values():
            harness.stop()


@contextmanager
def picorv32(core: Path) -> Iterator[PicoRV32]:
    """A `PicoRV32` whose files and processes go away; errors as there."""
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        built = PicoRV32(core, Path(name))
        try:
            yield built
        finally:
            built.stop()
