"""Running programs on the reference model and keeping every retired instruction as an RVFI row."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.bits import pack_fields, unpack_fields
from bsdgen.errors import EndlessError
from bsdgen.isa.machine import Memory, retire
from bsdgen.isa.program import Program
from bsdgen.isa.step import step_packed
from bsdgen.traces.schema import RVFI_SCHEMA

MAX_STEPS = 5_000_000
_CHUNK = 1 << 16  # rows between two looks at the keyboard and at the progress bar (about 10 ms)

COLUMNS: tuple[str, ...] = (
    *(column.name for column in RVFI_SCHEMA.inputs),
    *(column.name for column in RVFI_SCHEMA.outputs),
    *(f"{column.name}_care" for column in RVFI_SCHEMA.outputs),
)
"""Names of a row's values in the order of the kernel."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a program did.

    Attributes
    ----------
    program : the program.
    rows : uint32 arrays of shape (retired,), by name
        Every field of `RVFI_SCHEMA` and, for every output, its care mask ``<output>_care``; in order of
        retirement. `mem_rdata` is 0 in rows that load nothing (as an input, any value there is right).
    retired : instructions, traps included.
    tohost : value of the store that ended the run.
    """

    program: Program
    rows: dict[str, NDArray[np.uint32]] = field(repr=False)
    retired: int
    tohost: int

    @property
    def passed(self) -> bool:
        """Whether the program found itself right."""
        return self.tohost == 1


@njit(cache=True, nogil=True)
def _run_chunk(
    words: NDArray[np.uint32],
    base: int,
    regs: NDArray[np.int64],
    pc: int,
    reset_pc: int,
    tohost: int,
    rows: NDArray[np.uint32],
) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Retire until the rows are full or the program ends: (rows filled, next pc, value or -1).

    Only inputs are kept: a program that never stops then costs 20 bytes a step, and the outputs are a
    function of them.
    """
    for i in range(rows.shape[1]):
        next_pc, insn, rs1, rs2, mem, out = retire(words, base, regs, pc, reset_pc)
        rows[0, i] = insn
        rows[1, i] = pc
        rows[2, i] = rs1
        rows[3, i] = rs2
        rows[4, i] = mem
        pc = next_pc
        if out[7] == 0xF and out[5] == tohost:
            return i + 1, pc, out[8]
    return rows.shape[1], pc, -1


def rows_from_inputs(inputs: NDArray[np.uint32]) -> dict[str, NDArray[np.uint32]]:
    """All columns of the rows with these inputs, shape (5, n)."""
    packed = pack_fields(inputs.astype(np.uint64), [column.width for column in RVFI_SCHEMA.inputs])
    widths = [column.width for column in RVFI_SCHEMA.outputs]
    outputs, care = (unpack_fields(part, widths).astype(np.uint32) for part in step_packed(packed))
    return dict(zip(COLUMNS, [*inputs, *outputs, *care], strict=True))


def run_program(
    program: Program,
    *,
    max_steps: int = MAX_STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Run a program from reset to its store to `tohost`.

    Parameters
    ----------
    program : what to run.
    max_steps : instructions after which it counts as one that never stops.
    progress : called with (retired, max_steps) now and then.

    Raises
    ------
    InputError
        The program has no `tohost`.
    EndlessError
        It did not store to it within `max_steps` instructions.
    """
    memory = Memory(program)
    tohost = program.tohost
    regs = np.zeros(32, np.int64)
    pc = program.entry
    retired, value = 0, -1
    chunks: list[NDArray[np.uint32]] = []
    while value < 0:
        if retired >= max_steps:
            raise EndlessError(
                f"{program.path}: retired {retired} instructions without a word store to 'tohost' "
                f"({tohost:#x}), pc is {pc:#x}; expected an end within {max_steps}: "
                "mend the program or raise the step limit"
            )
        rows = np.empty((len(RVFI_SCHEMA.inputs), min(_CHUNK, max_steps - retired)), np.uint32)
        n, pc, value = _run_chunk(memory.words, memory.base, regs, pc, program.entry, tohost, rows)
        chunks.append(rows[:, :n])
        retired += n
        if progress is not None:
            progress(retired, max_steps)
    return Run(program, rows_from_inputs(np.concatenate(chunks, axis=1)), retired, value)
