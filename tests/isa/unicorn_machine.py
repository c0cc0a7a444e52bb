"""Single steps on unicorn, and which words may be compared with it.

unicorn's RV32 CPUs cannot be stripped of extensions: they decode RV32GC. So words that RV32I calls illegal
are compared only outside of what A, C, F, D, M, Zicsr, Zifencei and the privileged instructions claim, and
two of RV32I's traps do not exist there: jumps to addresses that are even but no multiple of 4, and misaligned
accesses.
"""

import numpy as np
import unicorn
import unicorn.riscv_const as rv

CODE_PAGES = (0x0000_1000, 0x7FFF_F000, 0x8000_0000, 0xA5A5_A000, 0xFFFF_E000)
# The first and the last page are what an access relative to x0 reaches.
DATA_PAGES = (0x0000_0000, 0x0001_0000, 0x7000_0000, 0x9000_0000, 0xFFFF_F000)
PAGE = 4096
PC = rv.UC_RISCV_REG_PC
X = [getattr(rv, f"UC_RISCV_REG_X{i}") for i in range(32)]
_ECALL = 0x73


def comparable(insn):
    """Words (uint array) that no extension of unicorn's CPU claims."""
    opcode, funct3, funct7 = insn & 0x7F, insn >> 12 & 7, insn >> 25
    claimed = (insn & 3) != 3
    claimed |= np.isin(opcode, [0x07, 0x27, 0x2F, 0x43, 0x47, 0x4B, 0x4F, 0x53, 0x73])
    claimed |= (opcode == 0x33) & (funct7 == 1)
    claimed |= (opcode == 0x0F) & (funct3 == 1)
    return ~claimed


class UnicornMachine:
    """A CPU with some pages of code and data."""

    def __init__(self):
        self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        for page in CODE_PAGES + DATA_PAGES:
            self.uc.mem_map(page, PAGE)

    def load(self, page, words):
        """Put 512 words into a page of code, 8 bytes apart.

        An ECALL behind each ends unicorn's translation block there; without it every first step would
        translate the rest of the page (measured: 570 microseconds a step instead of 9).
        """
        code = np.full(PAGE // 4, _ECALL, "<u4")
        code[::2] = words
        self.uc.mem_write(page, code.tobytes())
        self.uc.ctl_flush_tb()

    def step(self, pc):
        """Execute one instruction; whether it raised an exception of its own.

        That nothing is mapped at the address it jumps to is no exception of the instruction.
        """
        try:
            self.uc.emu_start(pc, 0, count=1)
        except unicorn.UcError as error:
            return error.errno != unicorn.UC_ERR_FETCH_UNMAPPED
        return False
