"""Instruction words as text.

riscv-model decodes and prints the instructions; where it is known to be wrong (it calls EBREAK and every
other SYSTEM word "ecall", prints registers for FENCE, and gives no target address) the text is our own.
"""

from functools import lru_cache

from riscvmodel.insn import reverse_lookup

from bsdgen.isa.encoding import ENCODINGS, decode

# Found once: riscv-model's own decode walks all of its classes for every word (0.5 ms each).
_CLASSES = {encoding.name: reverse_lookup(encoding.name) for encoding in ENCODINGS}


@lru_cache(maxsize=65536)
def _text(insn: int) -> str:
    index = int(decode(insn))
    if index < 0:
        return f".word {insn:#010x}  # illegal"
    encoding = ENCODINGS[index]
    if encoding.format in ("exact", "fence"):
        return encoding.name
    instruction = _CLASSES[encoding.name]()
    instruction.decode(insn)
    return str(instruction)


def disassemble(insn: int, pc: int = 0) -> str:
    """Text of one instruction word.

    Parameters
    ----------
    insn : instruction word, 0 to 2**32 - 1.
    pc : its address; jumps and branches show their target.

    Examples
    --------
    >>> disassemble(0x00500093)
    'addi x1, x0, 5'
    >>> disassemble(0x0000006F, pc=0x80000000)
    'jal x0, .+0 <0x80000000>'
    >>> disassemble(0)
    '.word 0x00000000  # illegal'
    """
    insn = int(insn)
    if not 0 <= insn < 1 << 32:
        raise ValueError(f"insn must be a 32-bit word, not {insn:#x}")
    text = _text(insn)
    index = int(decode(insn))
    if index >= 0 and ENCODINGS[index].format in ("B", "J"):
        offset = int(text.rpartition(" .")[2])
        text += f" <{(int(pc) + offset) & 0xFFFFFFFF:#x}>"
    return text
