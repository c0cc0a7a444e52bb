"""Instruction words from mnemonics, registers and immediates, by the table of `bsdgen.isa.encoding`."""

from bsdgen.isa.encoding import ENCODINGS

_BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}


def encode(name: str, rd: int = 0, rs1: int = 0, rs2: int = 0, imm: int = 0) -> int:
    """An instruction word.

    Parameters
    ----------
    name : one of `bsdgen.isa.encoding.INSTRUCTIONS`.
    rd, rs1, rs2 : registers; those that the format has not are ignored.
    imm : immediate in bytes as the assembler has it (U: the upper 20 bits' value; shifts: the amount). Bits
        that the format cannot hold are lost.

    Examples
    --------
    >>> hex(encode("addi", 1, 0, imm=5)), hex(encode("beq", rs1=1, rs2=2, imm=-4))
    ('0x500093', '0xfe208ee3')
    """
    encoding = _BY_NAME[name]
    word = encoding.match
    match encoding.format:
        case "R":
            return word | rs2 << 20 | rs1 << 15 | rd << 7
        case "I":
            return word | (imm & 0xFFF) << 20 | rs1 << 15 | rd << 7
        case "shift":
            return word | (imm & 31) << 20 | rs1 << 15 | rd << 7
        case "S":
            return word | (imm >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | (imm & 31) << 7
        case "B":
            high = (imm >> 12 & 1) << 31 | (imm >> 5 & 0x3F) << 25
            return word | high | rs2 << 20 | rs1 << 15 | (imm >> 1 & 15) << 8 | (imm >> 11 & 1) << 7
        case "U":
            return word | (imm & 0xFFFFF) << 12 | rd << 7
        case "J":
            high = (imm >> 20 & 1) << 31 | (imm >> 1 & 0x3FF) << 21 | (imm >> 11 & 1) << 20
            return word | high | (imm >> 12 & 0xFF) << 12 | rd << 7
        case "fence":
            return word | (imm & 0xFFF) << 20 | rs1 << 15 | rd << 7
        case "exact":
            return word


def load_constant(rd: int, value: int) -> list[int]:
    """LUI and ADDI that load any word.

    >>> [hex(word) for word in load_constant(1, 0x12345FFF)]
    ['0x123460b7', '0xfff08093']
    """
    low = ((value & 0xFFF) ^ 0x800) - 0x800
    return [encode("lui", rd, imm=(value - low) >> 12), encode("addi", rd, rd, imm=low)]
