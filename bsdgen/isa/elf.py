"""Writing executables: 32-bit little-endian RISC-V, a few segments and global symbols, nothing else.

Source of the layout: Tool Interface Standard, Executable and Linking Format, version 1.2. The counterpart,
reading, is `bsdgen.isa.program`.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_EM_RISCV, _ET_EXEC, _PT_LOAD = 243, 2, 1
_EHDR, _PHDR, _SHDR = struct.Struct("<16sHHIIIIIHHHHHH"), struct.Struct("<8I"), struct.Struct("<10I")
_SYM = struct.Struct("<IIIBBH")
_STB_GLOBAL_NOTYPE = 0x10
_SHF_WRITE, _SHF_ALLOC, _SHF_EXEC = 1, 2, 4


@dataclass(frozen=True)
class Image:
    """Contents of one segment.

    Attributes
    ----------
    name : of its section.
    address : of its first byte, a multiple of 4.
    data : contents; a multiple of 4 bytes.
    executable : code (read, execute) or data (read, write).
    """

    name: str
    address: int
    data: bytes
    executable: bool


def _strings(names: Sequence[str]) -> tuple[bytes, list[int]]:
    """A string table and where each name starts in it."""
    table, at = b"\0", []
    for name in names:
        at.append(len(table))
        table += name.encode() + b"\0"
    return table, at


def _section_of(images: Sequence[Image], address: int) -> int:
    for number, image in enumerate(images):
        if image.address <= address < image.address + len(image.data):
            return number + 1
    raise ValueError(f"symbol at {address:#x} lies in no segment; give it an address inside of one")


def build_elf(entry: int, images: Sequence[Image], symbols: Mapping[str, int]) -> bytes:
    """An executable as bytes.

    Parameters
    ----------
    entry : address of the first instruction.
    images : one segment and one section each.
    symbols : addresses by name, all global; each inside of an image.

    Raises
    ------
    ValueError
        A symbol lies in no image.
    """
    header_bytes = _EHDR.size + len(images) * _PHDR.size
    blob, offsets = bytearray(), []
    for image in images:
        offsets.append(header_bytes + len(blob))
        blob += image.data
    symbol_names, symbol_at = _strings(list(symbols))
    symbol_table = _SYM.pack(0, 0, 0, 0, 0, 0) + b"".join(
        _SYM.pack(at, address, 0, _STB_GLOBAL_NOTYPE, 0, _section_of(images, address))
        for at, address in zip(symbol_at, symbols.values(), strict=True)
    )
    names = [*(image.name for image in images), ".symtab", ".strtab", ".shstrtab"]
    section_names, name_at = _strings(names)
    symtab_offset = header_bytes + len(blob)
    strtab_offset = symtab_offset + len(symbol_table)
    shstrtab_offset = strtab_offset + len(symbol_names)
    sections_offset = (shstrtab_offset + len(section_names) + 3) & ~3
    n_images = len(images)
    sections = [_SHDR.pack(*[0] * 10)]
    for number, image in enumerate(images):
        flags = _SHF_ALLOC | (_SHF_EXEC if image.executable else _SHF_WRITE)
        sections.append(
            _SHDR.pack(name_at[number], 1, flags, image.address, offsets[number], len(image.data), 0, 0, 4, 0)
        )
    # Symbol table: linked to its strings; 1 is the first global symbol.
    sections += [
        _SHDR.pack(
            name_at[n_images], 2, 0, 0, symtab_offset, len(symbol_table), n_images + 2, 1, 4, _SYM.size
        ),
        _SHDR.pack(name_at[n_images + 1], 3, 0, 0, strtab_offset, len(symbol_names), 0, 0, 1, 0),
        _SHDR.pack(name_at[n_images + 2], 3, 0, 0, shstrtab_offset, len(section_names), 0, 0, 1, 0),
    ]
    header = _EHDR.pack(
        b"\x7fELF\x01\x01\x01".ljust(16, b"\0"), _ET_EXEC, _EM_RISCV, 1, entry, _EHDR.size, sections_offset,
        0, _EHDR.size, _PHDR.size, n_images, _SHDR.size, len(sections), len(sections) - 1,
    )  # fmt: skip
    segments = b"".join(
        _PHDR.pack(
            _PT_LOAD, offset, image.address, image.address, len(image.data), len(image.data),
            5 if image.executable else 6, 4,
        )
        for offset, image in zip(offsets, images, strict=True)
    )  # fmt: skip
    body = header + segments + bytes(blob) + symbol_table + symbol_names + section_names
    return body.ljust(sections_offset, b"\0") + b"".join(sections)
