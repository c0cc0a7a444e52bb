"""Is the specification right? Held to the simulator on many vectors, and to Spike on programs.

The simulator and the specification were written apart and share no code, Spike is somebody else's. Vectors
are a sample, programs have what they have, and which words of Zicsr and Zifencei are left out is ours to say:
this finds slips, it proves nothing.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsdgen.bits import U64, n_words, pack_fields, unpack_fields
from bsdgen.circuit.aig import bsd_from_aig
from bsdgen.errors import InputError, ToolError
from bsdgen.isa.program import load_program
from bsdgen.measure import Measurement, measure
from bsdgen.model import Model
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.spec.graph import Specification, with_care
from bsdgen.traces.schema import RVFI_SCHEMA
from bsdgen.traces.spike_log import read_spike_rows

_SPIKE_S = 300
_HINT = "install it with `pip install --pre spike` and `apt-get install device-tree-compiler`"


class _ValuesAndCare:
    """The simulator with its care bits as outputs that are always cared for."""

    def __init__(self, oracle: SimulatorOracle) -> None:
        self._oracle = oracle
        self._widths = [field.width for field in RVFI_SCHEMA.outputs]
        self.n_inputs = oracle.n_inputs
        self.n_outputs = 2 * oracle.n_outputs
        self.name = oracle.name

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Values, then care; see `bsdgen.oracle.protocol.Oracle.query`."""
        values, care = (unpack_fields(part, self._widths) for part in self._oracle.query(inputs))
        ones = np.full_like(care, ~np.uint64(0))
        twice = [*self._widths, *self._widths]
        return pack_fields(np.concatenate([values, care]), twice), pack_fields(
            np.concatenate([care, ones]), twice
        )


def check_against_simulator(
    specification: Specification,
    oracle: SimulatorOracle,
    *,
    vectors: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Measurement:
    """Compare values where they are cared for, and what is cared for, on vectors of every instruction.

    Parameters
    ----------
    specification : over `RVFI_SCHEMA`.
    vectors : how many; drawn as `bsdgen measure` draws them.

    Returns
    -------
    Counts and bounds by instruction; the output ``<name>_care`` counts vectors on which the two care for
    other bits of `name`.
    """
    joint = specification.joint()
    assert joint.n_outputs == 2 * RVFI_SCHEMA.n_outputs and n_words(joint.n_inputs) == 3
    model = Model(bsd_from_aig(joint), with_care(specification.schema), {})
    return measure(model, _ValuesAndCare(oracle), vectors=vectors, seed=seed, progress=progress)


@dataclass(frozen=True)
class SpikeResult:
    """One program.

    Attributes
    ----------
    name : its file's, without the suffix.
    rows : instructions that retired or trapped in Spike.
    errors : in how many of them the specification says something else.
    first : the first such word, or -1.
    left_out : instructions that retired and are not compared, as they are no RV32I (CSRs, FENCE.I, xRET).
    """

    name: str
    rows: int
    errors: int
    first: int
    left_out: int


def find_spike() -> Path:
    """Spike of the PATH or of this environment.

    Raises
    ------
    ToolError
        It, or the device tree compiler that it calls, is missing.
    """
    found = shutil.which("spike") or shutil.which("spike", path=str(Path(sys.executable).parent))
    if found is None or shutil.which("dtc") is None:
        raise ToolError(f"{'spike' if found is None else 'dtc'} is missing; {_HINT}")
    return Path(found)


def check_against_spike(specification: Specification, programs: Sequence[Path]) -> list[SpikeResult]:
    """Run programs in Spike and compare every instruction that retires or traps with the specification.

    Raises
    ------
    ToolError
        Spike is missing or fails.
    InputError
        Spike retires a word that is none of RV32I, Zicsr and Zifencei.
    """
    spike = find_spike()
    return [_compare(specification, spike, program) for program in programs]


def _compare(specification: Specification, spike: Path, elf: Path) -> SpikeResult:
    program = load_program(elf)
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as name:
        log = Path(name) / "spike.log"
        command = [
            str(spike),
            "--isa=rv32i",
            "-m0x80000000:0x100000",
            "-l",
            "--log-commits",
            f"--log={log}",
            str(elf),
        ]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_SPIKE_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"spike did not end {elf} within {_SPIKE_S} s; give another program") from error
        if done.returncode != 0:
            raise ToolError(f"spike failed on {elf}: {(done.stdout + done.stderr).strip()[-300:]}")
        found = read_spike_rows(log, program)
    rows = found.columns
    n = len(rows["insn"])
    if not n:
        raise InputError(f"{elf}: Spike retired nothing that is RV32I; give another program")
    inputs = pack_fields(
        np.array([rows[field.name] for field in RVFI_SCHEMA.inputs], np.uint64),
        [field.width for field in RVFI_SCHEMA.inputs],
    )
    widths = [field.width for field in RVFI_SCHEMA.outputs]
    graphs = (specification.values, specification.care)
    values, cares = (unpack_fields(graph.evaluate(inputs), widths) for graph in graphs)
    wrong = np.zeros(n, np.bool_)
    for field, value, care in zip(RVFI_SCHEMA.outputs, values, cares, strict=True):
        known = rows[f"{field.name}_care"].astype(np.uint64)
        wrong |= (value ^ rows[field.name].astype(np.uint64)) & care & known != 0
    first = int(rows["insn"][int(wrong.argmax())]) if wrong.any() else -1
    return SpikeResult(elf.stem, n, int(wrong.sum()), first, found.left_out)
