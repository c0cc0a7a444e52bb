"""What the system's memory holds at power-up."""

import numpy as np
from numpy.typing import NDArray

from bsdgen.errors import InputError
from bsdgen.isa.program import Program
from bsdgen.soc.layout import RAM_BASE, RESET_PC


def memory_words(program: Program, n_bytes: int) -> NDArray[np.uint32]:
    """The memory's words; zero where the program says nothing.

    Parameters
    ----------
    n_bytes : of memory, a multiple of 4.

    Raises
    ------
    InputError
        The program does not begin at the reset address, or does not fit.
    """
    if program.entry != RESET_PC:
        raise InputError(
            f"{program.path}: its entry is {program.entry:#x}, the system begins at {RESET_PC:#x}; link it "
            "with sim/soc/link.ld"
        )
    held = np.zeros(n_bytes, np.uint8)
    for segment in program.segments:
        if segment.address < RAM_BASE or segment.end > RAM_BASE + n_bytes:
            raise InputError(
                f"{program.path}: has bytes at {segment.address:#x} to {segment.end - 1:#x}, the memory is "
                f"{RAM_BASE:#x} to {RAM_BASE + n_bytes - 1:#x}; give more with --ram, or link it with "
                "sim/soc/link.ld"
            )
        first = segment.address - RAM_BASE
        held[first : first + len(segment.data)] = np.frombuffer(segment.data, np.uint8)
    top = program.symbols.get("__stack_top", 0)
    if top > RAM_BASE + n_bytes:
        raise InputError(
            f"{program.path}: its stack begins at {top:#x}, the memory ends at {RAM_BASE + n_bytes - 1:#x}; "
            "give more with --ram, or link it with a smaller ram_size"
        )
    return held.view("<u4")


def readmemh_text(words: NDArray[np.uint32]) -> str:
    """The words for `$readmemh`, up to the last one that is not zero."""
    used = int(np.flatnonzero(words).max(initial=0)) + 1
    return "\n".join(f"{word:08x}" for word in words[:used].tolist()) + "\n"
