"""What both harnesses give the bench: a program's memory, its arguments, and the dump of the signature."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsdgen.artifacts import write_text
from bsdgen.errors import ToolError, UsageError
from bsdgen.isa.machine import Memory, memory_block
from bsdgen.isa.program import Program
from bsdgen.isa.signature import signature_range, signature_text

MAX_WORDS = 1 << 24
MAX_STALL = 2**32 - 1


@dataclass(frozen=True)
class ProgramResult:
    """How one program went.

    Attributes
    ----------
    name : the program's file name without its ending.
    retired : instructions that agreed with the reference.
    mismatches : RVFI fields that differ at the first divergence; 0 means that there was none.
    passed : no mismatch, and the program itself reported success.
    wall_s : seconds in the simulator.
    detail : what went wrong, or "".
    last : what retired before it went wrong, one line an instruction.
    cycles : of the clock, from reset on, those in which the core was held included.
    longest : most cycles from one retirement to the next, with no reset between them; 0 under cocotb.
    resets : how often the core was reset on the way.
    endless : neither the core nor the reference came to an end within the step limit: the program is unfit.
    """

    name: str
    retired: int
    mismatches: int
    passed: bool
    wall_s: float
    detail: str
    last: tuple[str, ...] = ()
    cycles: int = 0
    endless: bool = False
    longest: int = 0
    resets: int = 0

    @property
    def failed(self) -> bool:
        """Whether something is wrong: with the core, or by what the program itself says."""
        return not self.passed and not self.endless


def image_text(program: Program) -> str:
    """Memory for $readmemh: the words that the segments cover."""
    base, _ = memory_block(program)
    lines = []
    aligned = all(segment.address % 4 == 0 for segment in program.segments)
    words = None if aligned else Memory(program).words  # segments may share a word
    for segment in program.segments:
        first, last = (segment.address - base) // 4, (segment.end - base + 3) // 4
        if words is not None:
            held = words[first:last]
        else:
            held = np.frombuffer(segment.data.ljust(4 * (last - first), b"\0"), "<u4")
        lines.append(f"@{first:x}")
        lines += [f"{word:08x}" for word in held.tolist()]
    return "\n".join(lines) + "\n"


def check_stall(stall: int, resets: int = 0) -> None:
    """Refuse a seed of held cycles, or of resets, that the bench has no room for.

    Raises
    ------
    UsageError
        It is negative or has more than 32 bits.
    """
    if not 0 <= stall <= MAX_STALL:
        raise UsageError(f"stall must be 0 to {MAX_STALL} (0: the core is never held), not {stall}")
    if not 0 <= resets <= MAX_STALL:
        raise UsageError(
            f"resets must be 0 to {MAX_STALL} (0: the core is reset at first alone), not {resets}"
        )


def bench_arguments(program: Program, stall: int = 0) -> dict[str, int]:
    """Numbers that the bench asks for.

    Raises
    ------
    InputError
        The program has no `tohost`.
    """
    base, n_words = memory_block(program)
    arguments = {"base": base, "words": n_words, "reset_pc": program.entry, "tohost": program.tohost}
    return arguments | ({"stall": stall} if stall else {})


@dataclass(frozen=True)
class SignatureArea:
    """Where a program leaves its signature: words from symbol begin_signature up to end_signature."""

    first: int
    last: int

    def arguments(self, dump: str) -> dict[str, str | int]:
        """What the bench needs to write it to the file `dump` of its working folder."""
        return {"dump": dump, "dump_first": self.first, "dump_last": self.last}

    def write(self, dump: Path, path: Path) -> None:
        """Write what the bench dumped as architecture tests want it: a word a line, in hexadecimal."""
        words = [int(line, 16) for line in dump.read_text("ascii").split() if line[0] not in "@/"]
        n_words = self.last - self.first + 1
        if len(words) != n_words:
            raise ToolError(
                f"{dump}: the bench wrote {len(words)} words of the signature, expected {n_words}"
            )
        write_text(path, signature_text(np.array(words, np.uint32)))


def signature_area(program: Program) -> SignatureArea:
    """Find a program's signature; errors as in `bsdgen.isa.signature.signature_range`."""
    begin, end = signature_range(program)
    base, _ = memory_block(program)
    return SignatureArea((begin - base) // 4, (end - base) // 4 - 1)
