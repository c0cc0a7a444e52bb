"""A 32-bit RISC-V executable of one segment, made by hand: every header field can be set wrong."""

import struct

BASE = 0x8000_0000
TOHOST = BASE + 0x100


def words(*insns):
    """Instruction words as bytes."""
    return struct.pack(f"<{len(insns)}I", *insns)


def store_to_tohost(value, at=0):
    """Code at BASE + `at` that stores a small value to TOHOST (clobbers x5 and x6)."""
    offset = TOHOST - BASE - at
    return [
        0x00000297,  # auipc x5, 0
        0x00000313 | value << 20,  # addi x6, x0, value
        0x0062A023 | (offset & 31) << 7 | offset >> 5 << 25,  # sw x6, offset(x5)
    ]


def tiny_elf(code, *, machine=243, bits=1, endian=1, kind=2, flags=0, entry=BASE, symbols=None, **segment):
    """Bytes of an ELF file: header, program header, code, section names, symbols, section headers."""
    symbols = {"tohost": TOHOST} if symbols is None else symbols
    names = b"\0" + b"".join(name.encode() + b"\0" for name in symbols)
    table = bytes(16)
    for name, address in symbols.items():
        table += struct.pack(
            "<IIIBBH", names.index(b"\0" + name.encode() + b"\0") + 1, address, 4, 0x10, 0, 1
        )
    sections = b"\0.symtab\0.strtab\0.shstrtab\0"
    at_code = 52 + 32
    at_table = at_code + len(code)
    at_names = at_table + len(table)
    at_sections = at_names + len(names)
    at_headers = at_sections + len(sections)
    header = b"\x7fELF" + bytes([bits, endian, 1]) + bytes(9)
    header += struct.pack(
        "<HHIIIIIHHHHHH", kind, machine, 1, entry, 52, at_headers, flags, 52, 32, 1, 40, 4, 3
    )
    load = {
        "address": BASE,
        "offset": at_code,
        "in_file": len(code),
        "in_memory": len(code) + 0x200,
        "type": 1,
    }
    load |= segment
    program = struct.pack(
        "<8I",
        load["type"],
        load["offset"],
        load["address"],
        load["address"],
        load["in_file"],
        load["in_memory"],
        7,
        4,
    )
    headers = bytes(40)
    headers += struct.pack("<10I", 1, 2, 0, 0, at_table, len(table), 2, 1, 4, 16)
    headers += struct.pack("<10I", 9, 3, 0, 0, at_names, len(names), 0, 0, 1, 0)
    headers += struct.pack("<10I", 17, 3, 0, 0, at_sections, len(sections), 0, 0, 1, 0)
    return header + program + code + table + names + sections + headers
