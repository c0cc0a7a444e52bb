"""Architectural state around the step function: memory, registers, and what happens on a trap.

Shared by the runner and by co-simulation, so that both mean the same machine:

- memory is one block of words from the page of the lowest segment to 1 MiB above it, or to the end of the
  highest segment if that is farther; words outside read 0 and ignore writes;
- registers are 0 at reset and pc is the program's entry;
- on a trap nothing is written and the next pc is the reset pc + `TRAP_OFFSET`. There are no CSRs: a program
  that wants to survive traps puts a jump to its handler there (by convention to the address in x31);
- a word store to `tohost` ends the run after that instruction; the value 1 means passed.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bsdgen.isa.program import Program
from bsdgen.isa.step import step

TRAP_OFFSET = 4
"""Bytes from the reset pc to the instruction that runs after a trap."""

RAM_BYTES = 1 << 20
_PAGE = 4096
_M32 = 0xFFFFFFFF


@njit(cache=True, nogil=True, inline="always")
def read_word(words: NDArray[np.uint32], base: int, address: int) -> int:
    """The aligned word at `address`, 0 outside of the block."""
    index = (address - base) >> 2
    if 0 <= index < words.shape[0]:
        return np.int64(words[index])  # type: ignore[return-value]
    return 0


@njit(cache=True, nogil=True, inline="always")
def write_word(words: NDArray[np.uint32], base: int, address: int, mask: int, data: int) -> None:
    """Write the bytes of `mask` of the aligned word at `address`; ignored outside of the block."""
    index = (address - base) >> 2
    if 0 <= index < words.shape[0]:
        lanes = (mask & 1) * 0xFF | (mask & 2) * 0x7F80 | (mask & 4) * 0x3FC000 | (mask & 8) * 0x1FE00000
        words[index] = np.uint32((np.int64(words[index]) & ~lanes) | (data & lanes))


@njit(cache=True, nogil=True)
def retire(
    words: NDArray[np.uint32], base: int, regs: NDArray[np.int64], pc: int, reset_pc: int
) -> tuple[int, int, int, int, int, tuple[int, int, int, int, int, int, int, int, int, int, bool, bool]]:
    """Fetch and execute one instruction; registers and memory change in place.

    Parameters
    ----------
    words, base : memory block and its first address.
    regs : int64, shape (32,)
    pc, reset_pc : addresses of this and of the first instruction.

    Returns
    -------
    next_pc, insn, rs1_rdata, rs2_rdata, mem_rdata : int
        `mem_rdata` is the aligned word at `mem_addr` for a load, else 0.
    outputs : tuple
        As `bsdgen.isa.step.step` gives them.
    """
    insn = read_word(words, base, pc)
    rs1 = regs[insn >> 15 & 31]
    rs2 = regs[insn >> 20 & 31]
    mem = 0
    out = step(insn, pc, rs1, rs2, 0)
    if out[6]:
        mem = read_word(words, base, out[5])
        out = step(insn, pc, rs1, rs2, mem)
    if out[2]:
        regs[out[2]] = out[3]
    if out[7]:
        write_word(words, base, out[5], out[7], out[8])
    next_pc = (reset_pc + TRAP_OFFSET) & _M32 if out[9] else out[4]
    return next_pc, insn, rs1, rs2, mem, out


def trap_pc(program: Program) -> int:
    """Where a program goes on after a trap."""
    return (program.entry + TRAP_OFFSET) & _M32


def memory_block(program: Program) -> tuple[int, int]:
    """First address of a program's memory and its size in words."""
    base = min(segment.address for segment in program.segments) & ~(_PAGE - 1)
    end = max(base + RAM_BYTES, *(segment.end for segment in program.segments))
    return base, (min(end, 1 << 32) - base + 3) // 4


class Memory:
    """A block of memory.

    Attributes
    ----------
    base : first address, a multiple of 4096.
    words : uint32, shape (n,)
    """

    def __init__(self, program: Program) -> None:
        self.base, n_words = memory_block(program)
        block = bytearray(4 * n_words)
        for segment in program.segments:
            block[segment.address - self.base : segment.end - self.base] = segment.data
        self.words: NDArray[np.uint32] = np.frombuffer(block, "<u4").astype(np.uint32)

    def __repr__(self) -> str:
        return f"Memory(base={self.base:#x}, bytes={4 * self.words.shape[0]:#x})"

    def read(self, address: int) -> int:
        """The aligned word that holds the byte at `address`; 0 outside of the block."""
        return int(read_word(self.words, self.base, int(address)))

    def write(self, address: int, mask: int, data: int) -> None:
        """Write the bytes of `mask` (bit 0: lowest address) of the aligned word that holds `address`."""
        write_word(self.words, self.base, int(address), int(mask), int(data))


def ends_run(tohost: int, mem_addr: int, mem_wmask: int) -> bool:
    """Whether a retired instruction's memory outputs end the program.

    >>> ends_run(0x80001000, 0x80001000, 0xF), ends_run(0x80001000, 0x80001000, 0x1)
    (True, False)
    """
    return mem_wmask == 0xF and mem_addr == tohost
