"""Loading programs: 32-bit little-endian RISC-V executables in ELF.

A program has nothing but loadable segments, an entry and symbols; `tohost` is the symbol whose word it
writes to end its run. Every way in which a file can be unfit is an `InputError` that names the file.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from bsdgen.errors import InputError

_EF_RISCV_RVC = 1
_MAX_SPAN = 1 << 26
_REBUILD = "build it with -march=rv32i -mabi=ilp32 -static and link it at a fixed address"


@dataclass(frozen=True)
class Segment:
    """Bytes that are in memory before the first instruction."""

    address: int
    data: bytes = field(repr=False)

    @property
    def end(self) -> int:
        """First address behind the segment."""
        return self.address + len(self.data)


@dataclass(frozen=True)
class Program:
    """An executable.

    Attributes
    ----------
    path : where it was read from.
    entry : address of the first instruction, a multiple of 4.
    segments : what the loader puts into memory, zero-initialised parts included.
    symbols : addresses by name.
    """

    path: Path
    entry: int
    segments: tuple[Segment, ...]
    symbols: dict[str, int] = field(repr=False)

    @property
    def tohost(self) -> int:
        """Address of the word whose store ends a run.

        Raises
        ------
        InputError
            The program has no such symbol, or it is not word aligned.
        """
        address = self.symbols.get("tohost")
        if address is None:
            raise InputError(
                f"{self.path}: has no symbol 'tohost'; define a word of that name in the program, store 1 "
                "to it to pass or another value to fail, and do not strip the file"
            )
        if address & 3:
            raise InputError(
                f"{self.path}: symbol 'tohost' is at {address:#x}, expected a multiple of 4; align it"
            )
        return address


def _check_header(path: Path, elf: Any) -> None:
    machine = elf["e_machine"]
    if machine != "EM_RISCV" or elf.elfclass != 32 or not elf.little_endian:
        endian = "little" if elf.little_endian else "big"
        raise InputError(
            f"{path}: is an ELF for {machine}, {elf.elfclass} bits, {endian} endian; expected EM_RISCV, "
            f"32 bits, little endian; {_REBUILD}"
        )
    if elf["e_type"] != "ET_EXEC":
        raise InputError(
            f"{path}: is of ELF type {elf['e_type']}, expected ET_EXEC (linked, at fixed "
            f"addresses); {_REBUILD}"
        )
    if elf["e_flags"] & _EF_RISCV_RVC:
        raise InputError(f"{path}: uses compressed instructions, expected RV32I only; {_REBUILD}")
    if elf["e_entry"] & 3:
        raise InputError(
            f"{path}: entry is {elf['e_entry']:#x}, expected a multiple of 4; align the start-up code"
        )


def _segments(path: Path, elf: Any, n_bytes: int) -> tuple[Segment, ...]:
    segments = []
    low, high = 1 << 32, 0
    for number, segment in enumerate(elf.iter_segments()):
        if segment["p_type"] != "PT_LOAD" or segment["p_memsz"] == 0:
            continue
        address, in_memory, in_file = segment["p_paddr"], segment["p_memsz"], segment["p_filesz"]
        where = f"{path}: segment {number} at {address:#x}"
        if segment["p_offset"] + in_file > n_bytes:
            raise InputError(
                f"{where}: needs {segment['p_offset'] + in_file} bytes of file, there are {n_bytes}; the "
                "file is truncated: copy or build it again"
            )
        if in_file > in_memory or address + in_memory > 1 << 32:
            raise InputError(
                f"{where}: {in_file} bytes of file for {in_memory} bytes of memory do not fit below 2**32; "
                "the file is damaged: build it again"
            )
        low, high = min(low, address), max(high, address + in_memory)
        if high - low > _MAX_SPAN:
            raise InputError(
                f"{where}: segments span {high - low} bytes, expected at most {_MAX_SPAN}; "
                "place code and data next to each other in the linker script"
            )
        segments.append(Segment(address, segment.data() + bytes(in_memory - in_file)))
    for before, after in pairwise(sorted(segments, key=lambda segment: segment.address)):
        if after.address < before.end:
            raise InputError(
                f"{path}: segments at {before.address:#x} (to {before.end:#x}) and {after.address:#x} "
                "overlap, expected each byte in one; place them apart in the linker script"
            )
    if not segments:
        raise InputError(f"{path}: has no loadable segment, so nothing to run; {_REBUILD}")
    return tuple(segments)


def _symbols(elf: Any) -> dict[str, int]:
    symbols = {}
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection):
            for symbol in section.iter_symbols():
                if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                    symbols[symbol.name] = symbol["st_value"]
    return symbols


def load_program(path: Path) -> Program:
    """Read an executable.

    Segments go to their physical addresses. That the program has a `tohost` is checked when it is asked for.

    Raises
    ------
    InputError
        The file cannot be read, is no ELF, is truncated, is for another machine, or its segments overlap.
    """
    path = Path(path)
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                raise InputError(f"{path}: is no ELF file (its first bytes are not 7f 45 4c 46); {_REBUILD}")
            file.seek(0)
            elf = ELFFile(file)
            _check_header(path, elf)
            return Program(path, elf["e_entry"], _segments(path, elf, n_bytes), _symbols(elf))
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give the path of an ELF file"
        ) from error
    except Exception as error:  # pyelftools lets whatever its parser stumbles over through
        raise InputError(
            f"{path}: is a damaged or truncated ELF file ({type(error).__name__}: {error}); {_REBUILD}"
        ) from error
