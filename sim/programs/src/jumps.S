# JAL, JALR and taken branches: distances in both directions, link registers, cleared bit 0, targets that are
# not aligned (they trap and link nothing), jump tables and calls through registers.

#include "checks.h"

# Words that the assembler would not write: jumps whose target is not a multiple of 4.
    .macro RAW_JAL rd, distance
    .word   0x6f | \rd << 7 | (\distance >> 12 & 0xff) << 12 | (\distance >> 11 & 1) << 20 | \
            (\distance >> 1 & 0x3ff) << 21 | (\distance >> 20 & 1) << 31
    .endm

    .macro RAW_BRANCH funct3, rs1, rs2, distance
    .word   0x63 | \funct3 << 12 | \rs1 << 15 | \rs2 << 20 | (\distance >> 11 & 1) << 7 | \
            (\distance >> 1 & 0xf) << 8 | (\distance >> 5 & 0x3f) << 25 | (\distance >> 12 & 1) << 31
    .endm

    .text
    BEGIN
# Every link register, with JAL forwards and JALR backwards; `seen` gets the address that it must hold.
    .macro LINK rd, seen
    li      x30, \rd
    auipc   x\seen, 0
    jal     x\rd, 2f                    # at x\seen + 4
1:  j       3f
2:  addi    x\seen, x\seen, 8
    bne     x\seen, x\rd, fail
    jalr    x\rd, 0(x\rd)
3:  la      x\seen, 3b
    bne     x\seen, x\rd, fail
    .endm

    .irp r, 27, 29, 30
    LINK    \r, 31
    .endr
    LINK    31, 29

    li      s11, 10                     # passes
pass:
    .irp r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28
    LINK    \r, 31
    .endr

# JALR with immediates of both signs, even and odd sums, its own source as link register, and x0.
    .macro INDIRECT imm, odd
    li      x30, 40
    la      a0, 2f - (\imm) + \odd
    mv      a1, a0
    la      a3, 1f
    jalr    a2, \imm(a0)
1:  j       fail
    j       fail
2:  SAME    a2, a3
    SAME    a1, a0
    li      x30, 41
    la      a0, 2f - (\imm) + \odd
    la      a3, 1f
    jalr    a0, \imm(a0)
1:  j       fail
2:  SAME    a0, a3
    .endm

    .irp imm, 0, 4, -4, 8, -2048, 2047, 1, -1, 3, 1000
    INDIRECT \imm, 0
    INDIRECT \imm, 1
    .endr

# A target that is not a multiple of 4 traps and links nothing.
    .macro INDIRECT_TRAPS imm, add
    li      x30, 50
    la      a0, 2f - (\imm) + \add
    li      a2, 0x123
    li      a3, 0x123
    la      x31, 1f
    jalr    a2, \imm(a0)
2:  j       fail
1:  SAME    a2, a3
    .endm

    .irp imm, 0, 2, -2, 6, -6, 2046, -2046, 2047
    INDIRECT_TRAPS \imm, 2
    INDIRECT_TRAPS \imm, 3
    .endr

    .macro JAL_TRAPS distance
    li      x30, 51
    li      a2, 0x123
    li      a3, 0x123
    la      x31, 1f
    RAW_JAL 12, \distance
    j       fail
1:  SAME    a2, a3
    .endm

    .irp distance, 2, -2, 6, -6, 10, 2046, 2050, -2050, 4098, 0x7fffe, 0xffffe, -0x100000 + 2
    JAL_TRAPS \distance
    .endr

# A branch traps only if it is taken. a0 < a1 signed, a1 < a0 unsigned.
    .macro BRANCH_TRAPS funct3, rs1, rs2, distance
    li      x30, 52
    la      x31, 1f
    RAW_BRANCH \funct3, \rs1, \rs2, \distance
    j       fail
1:  li      x30, 53
    la      x31, fail
    RAW_BRANCH (\funct3 ^ 1), \rs1, \rs2, \distance
    .endm

    li      a0, -1
    srli    a1, a0, 1
    .irp distance, 2, -2, 6, 10, -30, 34, 66, 130, 258, 514, 1026, 2046, 2050, 4094, -4094
    BRANCH_TRAPS 0, 10, 10, \distance   # beq, bne
    BRANCH_TRAPS 1, 10, 11, \distance   # bne, beq
    BRANCH_TRAPS 4, 10, 11, \distance   # blt, bge
    BRANCH_TRAPS 5, 11, 10, \distance   # bge, blt
    BRANCH_TRAPS 6, 11, 10, \distance   # bltu, bgeu
    BRANCH_TRAPS 7, 10, 11, \distance   # bgeu, bltu
    .endr

# Calls through a table, each adding its own power of two.
    li      s0, 0
    la      s1, table
    la      s2, table_end
1:  lw      t0, 0(s1)
    jalr    t1, 0(t0)
    addi    s1, s1, 4
    bne     s1, s2, 1b
    li      x30, 60
    li      t0, 255
    SAME    s0, t0
    addi    s11, s11, -1
    beqz    s11, far
    j       pass

# Far jumps and branches at the ends of their reach.
far:
    li      x30, 61
    jal     t0, forward
back:
    j       fail
    .balign 4
    .space  1024
forward:
    la      t1, back
    SAME    t0, t1
    li      a0, 1
    bnez    a0, over
landing:
    j       done
    .space  4080
over:
    bnez    a0, landing
    j       fail
done:
    END

    .text
    .set    bit, 1
    .rept   8
    addi    s0, s0, bit
    jr      t1
    .set    bit, bit * 2
    .endr
callees_end:

    .section .rodata
    .balign 4
table:
    .set    at, 64
    .rept   8
    .word   callees_end - at
    .set    at, at - 8
    .endr
table_end:
