"""Signatures as architecture tests want them: what a program leaves between two symbols, a word a line.

``python -m bsdgen.isa.signature PROGRAM FILE [PROGRAM FILE]...`` writes what the reference model leaves.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import write_text
from bsdgen.errors import BsdgenError, InputError
from bsdgen.isa.machine import Memory, memory_block
from bsdgen.isa.program import Program, load_program
from bsdgen.isa.runner import run_program


def signature_range(program: Program) -> tuple[int, int]:
    """First address of a program's signature and the first one behind it.

    Raises
    ------
    InputError
        The program has no symbols begin_signature and end_signature, or they are no range of words in its
        memory.
    """
    begin, end = (program.symbols.get(name) for name in ("begin_signature", "end_signature"))
    if begin is None or end is None:
        raise InputError(
            f"{program.path}: has no symbols begin_signature and end_signature; define them around the words "
            "that the program leaves as its signature, and do not strip the file"
        )
    base, n_words = memory_block(program)
    if begin % 4 or end % 4 or not base <= begin < end <= base + 4 * n_words:
        raise InputError(
            f"{program.path}: its signature is from {begin:#x} to {end:#x}, expected multiples of 4 within "
            f"its memory, {base:#x} to {base + 4 * n_words:#x}; align the symbols"
        )
    return begin, end


def signature_text(words: NDArray[np.uint32]) -> str:
    """A signature's file.

    >>> signature_text(np.array([1, 0xFFFFFFFF], np.uint32))
    '00000001\\nffffffff\\n'
    """
    return "".join(f"{word:08x}\n" for word in words.tolist())


def reference_signature(program: Program) -> NDArray[np.uint32]:
    """The words that the reference model leaves; errors as in `run_program` and `signature_range`."""
    begin, end = signature_range(program)
    rows, memory = run_program(program).rows, Memory(program)
    for at in np.flatnonzero(rows["mem_wmask"]).tolist():
        memory.write(int(rows["mem_addr"][at]), int(rows["mem_wmask"][at]), int(rows["mem_wdata"][at]))
    return memory.words[(begin - memory.base) // 4 : (end - memory.base) // 4]


def _main(arguments: list[str]) -> int:
    if not arguments or len(arguments) % 2:
        print("usage: python -m bsdgen.isa.signature PROGRAM FILE [PROGRAM FILE]...", file=sys.stderr)
        return 2
    for elf, file in zip(arguments[::2], arguments[1::2], strict=True):
        try:
            write_text(Path(file), signature_text(reference_signature(load_program(Path(elf)))))
        except BsdgenError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
