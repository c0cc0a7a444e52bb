"""Constrained-random instruction streams as complete ELF files, without a cross compiler.

A stream is a list of units (`bsdgen.isa.units`) that runs `PASSES` times over, with whatever the registers
and the data area hold by then. Every instruction and every kind of trap occurs.

The convention for traps is that of `bsdgen.isa.machine`: the word at the entry + 4 jumps to the address in
x31. The start-up also points mtvec there, for machines that have it (on one without, that word is one more
trap).

``python -m bsdgen.isa.generate --seed 1 --instructions 5000 out.elf`` writes a file.
"""

import argparse
import struct
from collections.abc import Sequence
from pathlib import Path

from bsdgen.artifacts import atomic_path
from bsdgen.errors import UsageError
from bsdgen.isa.assembler import encode, load_constant
from bsdgen.isa.elf import Image, build_elf
from bsdgen.isa.program import Program, Segment
from bsdgen.isa.units import Dice, Unit, UnitMaker

ENTRY = 0x80000000
PASSES = 4
MAX_INSTRUCTIONS = 60_000  # code and data share 1 MiB

# The data area is far enough for any code that fits; what lies between is not in the file.
_TO_DATA, _DATA_BYTES = 0x80000, 512
_TO_PASSES, _TO_TOHOST = _TO_DATA + _DATA_BYTES, _TO_DATA + _DATA_BYTES + 8
_PAGE, _RAM_BYTES = 4096, 1 << 20
_CSRW_MTVEC_X5 = 0x30529073
END_WORDS = 5
"""Words at the end of every random program that store 1 to `tohost`, and wait."""


def symbols_of(entry: int) -> dict[str, int]:
    """Addresses by name of a random program that begins here."""
    tohost = entry + _TO_TOHOST
    return {
        "_start": entry,
        "trap_entry": entry + 4,
        "data": entry + _TO_DATA,
        "tohost": tohost,
        "fromhost": tohost + 8,
    }


def _entry(dice: Dice) -> int:
    """Where a program may begin: anywhere, or where bits of the pc change in a row, its data below 2**32."""
    last = (1 << 32) - _RAM_BYTES
    page = dice.pick((0, last, (1 << 31) - _PAGE, 1 << 31, dice.below(last // _PAGE + 1) * _PAGE))
    return page + 4 * dice.below(_PAGE // 4)


def _prologue() -> list[int]:
    """Reset, trap return, and mtvec where there is one.

    The registers are cleared: a machine's boot code may have left something in those that the words that
    follow name without reading them.
    """
    words = [encode("jal", imm=8), encode("jalr", rs1=31)]
    words += [encode("auipc", 31), encode("addi", 31, 31, imm=20)]
    words += [encode("auipc", 5), encode("addi", 5, 5, imm=-12)]
    words.append(_CSRW_MTVEC_X5)
    return words + [encode("addi", register) for register in range(1, 32)]


def _opening(dice: Dice, data: int) -> list[int]:
    """Start of a pass: every register from a word of the data area."""
    base = 1
    order = [*dice.shuffled(range(2, 32)), base]
    return [
        *load_constant(base, data),
        *(encode("lw", register, base, imm=4 * dice.below(_DATA_BYTES // 4)) for register in order),
    ]


def _closing(n_before: int, entry: int) -> list[int]:
    """End of a pass that began `n_before` words earlier: stir the data, go back or end.

    Every other word w becomes 31 * w + 1, so that passes differ and border values stay as well.
    """
    data = entry + _TO_DATA
    words = [*load_constant(1, data), *load_constant(3, data + _DATA_BYTES)]
    stir = [
        encode("lw", 2, 1),
        encode("slli", 4, 2, imm=5),
        encode("sub", 2, 4, 2),
        encode("addi", 2, 2, imm=1),
    ]
    stir += [encode("sw", rs1=1, rs2=2), encode("addi", 1, 1, imm=8)]
    words += [*stir, encode("bltu", rs1=1, rs2=3, imm=-4 * len(stir))]
    words += [*load_constant(1, entry + _TO_PASSES), encode("lw", 2, 1), encode("addi", 2, 2, imm=-1)]
    words += [encode("sw", rs1=1, rs2=2), encode("beq", rs1=2, imm=8)]
    words.append(encode("jal", imm=-4 * (n_before + len(words))))
    end = [*load_constant(1, entry + _TO_TOHOST), encode("addi", 2, imm=1)]
    end += [encode("sw", rs1=1, rs2=2), encode("jal")]
    assert len(end) == END_WORDS
    return [*words, *end]


def _link(units: Sequence[Unit]) -> list[int]:
    """All words, with the distances of jumps between units filled in."""
    starts = [0]
    for unit in units:
        starts.append(starts[-1] + 4 * len(unit.words))
    words = []
    for number, unit in enumerate(units):
        if unit.patch >= 0:
            target = starts[min(number + unit.skip, len(units))]
            unit.words[unit.patch] = unit.make(target - starts[number] - 4 * unit.base)
        words += unit.words
    return words


def generate_images(seed: int, n_instructions: int, *, own: bool = False) -> list[Image]:
    """Code and data of a random program: the same seed gives the same bytes.

    Parameters
    ----------
    seed : 0 or more.
    n_instructions : words of code that run `PASSES` times over, 1 to `MAX_INSTRUCTIONS`. There are at least
        as many, and at least one unit of every kind, which nothing skips.
    own : for our own reference only: begins anywhere, and has words that other machines carry out (see
        `bsdgen.isa.units`). Else it begins at `ENTRY`, and Spike runs it, too.

    Raises
    ------
    UsageError
        A parameter is out of its range.
    """
    if seed < 0:
        raise UsageError(f"seed must be 0 or more, not {seed}; give another one")
    if not 1 <= n_instructions <= MAX_INSTRUCTIONS:
        raise UsageError(
            f"n_instructions must be 1 to {MAX_INSTRUCTIONS}, not {n_instructions}; "
            "use several programs for more"
        )
    dice = Dice(seed)
    entry = _entry(dice) if own else ENTRY
    data = entry + _TO_DATA
    maker = UnitMaker(dice, data, _DATA_BYTES, own=own)
    opening = _opening(dice, data)
    units = maker.round()
    maker.skips = True
    while sum(len(unit.words) for unit in units) < n_instructions:
        units += maker.round()
    body = _link(units)
    code = [*_prologue(), *opening, *body, *_closing(len(opening) + len(body), entry)]
    contents = [maker.value() for _ in range(_DATA_BYTES // 4)]
    contents += [PASSES, 0, 0, 0, 0, 0]  # passes, padding, tohost and fromhost as double words
    return [
        Image(".text", entry, struct.pack(f"<{len(code)}I", *code), executable=True),
        Image(".data", data, struct.pack(f"<{len(contents)}I", *contents), executable=False),
    ]


def as_program(images: Sequence[Image], name: str) -> Program:
    """A random program's images as if they were loaded from a file of that name."""
    segments = tuple(Segment(image.address, image.data) for image in images)
    entry = images[0].address
    return Program(Path(name), entry, segments, symbols_of(entry))


def generate_elf(seed: int, n_instructions: int) -> bytes:
    """The bytes of a random program; parameters and errors as in `generate_images`."""
    return build_elf(ENTRY, generate_images(seed, n_instructions), symbols_of(ENTRY))


def generate_program(seed: int, n_instructions: int, path: Path) -> Path:
    """Write a random program (see `generate_elf`) and return its path."""
    contents = generate_elf(seed, n_instructions)
    with atomic_path(path) as temporary:
        temporary.write_bytes(contents)
    return path


def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bsdgen.isa.generate", description="Write a random program."
    )
    parser.add_argument("path", type=Path, help="ELF file to write")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--instructions", type=int, required=True, help="words of code")
    options = parser.parse_args()
    generate_program(options.seed, options.instructions, options.path)


if __name__ == "__main__":
    _main()
