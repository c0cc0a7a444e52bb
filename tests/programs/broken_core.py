"""A core with one defective instruction, to see that programs find it."""

import numpy as np

from bsdgen.isa.encoding import INSTRUCTIONS, decode
from bsdgen.isa.machine import TRAP_OFFSET, Memory
from bsdgen.isa.program import Program
from bsdgen.isa.step import step


def run_broken(program: Program, victim: str, *, max_steps: int) -> int:
    """Run with `victim` giving a wrong bit 0, going the wrong way, or not trapping.

    Returns what the program stores to `tohost`, or -1 at the limit. The defect shows once in 17
    executions, so that not everything is wrong.
    """
    memory, regs = Memory(program), np.zeros(32, np.int64)
    pc, number = program.entry, INSTRUCTIONS.index(victim)
    executions = 0
    for _ in range(max_steps):
        insn = memory.read(pc)
        rs1, rs2 = int(regs[insn >> 15 & 31]), int(regs[insn >> 20 & 31])
        out = step(insn, pc, rs1, rs2, 0)
        out = step(insn, pc, rs1, rs2, memory.read(out[5]))
        _, _, rd, rd_wdata, pc_wdata, address, _, mask, data, trap = out[:10]
        if int(decode(insn)) == number:
            executions += 1
            if executions % 17 == 3:
                rd_wdata ^= 1
                if victim.startswith("b"):
                    pc_wdata = pc + 4
                elif victim == "ecall":
                    trap = 0
                    pc_wdata = pc + 4
        if not trap and rd:
            regs[rd] = rd_wdata
        if mask:
            memory.write(address, mask, data)
            if mask == 0xF and address == program.tohost:
                return int(data)
        pc = program.entry + TRAP_OFFSET if trap else pc_wdata
    return -1
