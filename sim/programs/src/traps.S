# Every kind of trap: words of many shapes that are no RV32I instruction, ECALL, EBREAK, CSR instructions,
# loads, stores, jumps and branches that are not aligned. Nothing may be written by any of them.

#include "checks.h"

    .text
    BEGIN

# Run every word of the table. One that does not trap falls into the jump behind it.
    la      s0, words
    la      s1, words_end
    li      s2, 0
    la      x31, 1f
    li      x30, 1
0:  jr      s0
1:  addi    s0, s0, 8
    addi    s2, s2, 1
    bne     s0, s1, 0b
    li      x30, 2
    la      t0, words
    sub     t0, s1, t0
    srli    t0, t0, 3
    SAME    s2, t0

# The same kinds with the destination and the memory in view, twice each.
    la      a0, cell
    li      a1, 0x1234567
    li      a2, 0x1234567
    .macro TRAPS instruction:vararg
    la      x31, 1f
    \instruction
    j       fail
1:  SAME    a1, a2
    lw      t0, 0(a0)
    bnez    t0, fail
    .endm

    li      s0, 25
2:  li      x30, 3
    TRAPS   lh a1, 1(a0)
    TRAPS   lh a1, 3(a0)
    TRAPS   lhu a1, -1(a0)
    TRAPS   lhu a1, -3(a0)
    TRAPS   lw a1, 1(a0)
    TRAPS   lw a1, 2(a0)
    TRAPS   lw a1, 3(a0)
    TRAPS   lw a1, -2(a0)
    li      x30, 4
    TRAPS   sh a1, 1(a0)
    TRAPS   sh a1, 3(a0)
    TRAPS   sw a1, 1(a0)
    TRAPS   sw a1, 2(a0)
    TRAPS   sw a1, 3(a0)
    TRAPS   sw a1, -3(a0)
    li      x30, 5
    TRAPS   ecall
    TRAPS   ebreak
    li      x30, 6
    TRAPS   jalr a1, 2(a0)
    TRAPS   jalr a1, 3(a0)
    TRAPS   jalr a1, -2(a0)
    TRAPS   .word 0x002005ef            # jal a1, +2
    TRAPS   .word 0xffbff5ef            # jal a1, -6
    TRAPS   .word 0x00c58163            # beq a1, a2, +2
    TRAPS   .word 0x00b5d363            # bge a1, a1, +6
    li      x30, 7
    TRAPS   .word 0x02c585b3            # mul a1, a1, a2
    TRAPS   .word 0x02c5c5b3            # div a1, a1, a2
    TRAPS   .word 0x00053583            # ld a1, 0(a0)
    TRAPS   .word 0x00056583            # lwu a1, 0(a0)
    TRAPS   .word 0x00c53023            # sd a2, 0(a0)
    TRAPS   .word 0x00c5a5af            # amoadd.w a1, a2, (a1)
    TRAPS   .word 0x40c595b3            # sll with funct7 of sra
    TRAPS   .word 0x40c5c5b3            # xor with funct7 of sub
    TRAPS   .word 0x02059593            # slli by 32
    TRAPS   .word 0x7ff015f3            # csrrw a1, 0x7ff, x0
    TRAPS   .word 0x7ff025f3            # csrrs a1, 0x7ff, x0
    # Whether FENCE.I traps (on the core) or not, it goes on here and has written nothing.
    la      x31, 1f
    .word   0x0000100f
1:  SAME    a1, a2
    addi    s0, s0, -1
    beqz    s0, 3f
    j       2b
3:  END

# A word, and where to go if it does not trap.
    .macro W word
    .word   (\word) & 0xffffffff
    j       missed
    .endm

    .text
missed:
    li      x30, 8
    j       fail

    .balign 8
words:
# Every opcode and funct3 that RV32I does not use, compressed-looking ones included; the other fields vary.
# SYSTEM comes further down. Legal: lui, auipc, jal, jalr, branches, loads, stores, op-imm, op, fence. FENCE.I is
# not in the table, as machines other than the core may have it: see above.
    .set    mix, 0x2545f491
    .set    opcode, 0
    .rept   128
    .set    funct3, 0
    .rept   8
    .set    legal, (opcode == 0x37) | (opcode == 0x17) | (opcode == 0x6f) | (opcode == 0x13) | (opcode == 0x33)
    .set    legal, legal | (opcode == 0x73) | ((opcode == 0x67) & (funct3 == 0))
    .set    legal, legal | ((opcode == 0x63) & (funct3 != 2) & (funct3 != 3))
    .set    legal, legal | ((opcode == 0x03) & ((funct3 < 3) | (funct3 == 4) | (funct3 == 5)))
    .set    legal, legal | ((opcode == 0x23) & (funct3 < 3)) | ((opcode == 0x0f) & (funct3 < 2))
    .if !(legal)
    .set    mix, (mix * 1664525 + 1013904223) & 0xffffffff
    W       (mix & 0xffff8f80) | funct3 << 12 | opcode
    .endif
    .set    funct3, funct3 + 1
    .endr
    .set    opcode, opcode + 1
    .endr

# OP and the shifts of OP-IMM with every wrong funct7 that is one bit from a right one, and all ones.
    .macro SHAPE opcode, funct3, funct7
    .set    mix, (mix * 1664525 + 1013904223) & 0xffffffff
    W       (mix & 0x01ff8f80) | (\funct7) << 25 | (\funct3) << 12 | \opcode
    .endm

    .set    funct3, 0
    .rept   8
    .set    bit, 0
    .rept   7
    .if (bit != 5)
    SHAPE   0x33, funct3, 1 << bit
    SHAPE   0x33, funct3, 1 << bit | 0x20
    .elseif (funct3 != 0) & (funct3 != 5)
    SHAPE   0x33, funct3, 0x20
    .endif
    .set    bit, bit + 1
    .endr
    SHAPE   0x33, funct3, 0x7f
    SHAPE   0x33, funct3, 0x5f
    .set    funct3, funct3 + 1
    .endr

    .irp funct3, 1, 5
    .set    bit, 0
    .rept   7
    .if (bit != 5)
    SHAPE   0x13, \funct3, 1 << bit
    SHAPE   0x13, \funct3, 1 << bit | 0x20
    .elseif (\funct3 == 1)
    SHAPE   0x13, \funct3, 0x20
    .endif
    .set    bit, bit + 1
    .endr
    SHAPE   0x13, \funct3, 0x7f
    .endr

# ECALL, EBREAK, and both with one other bit set (the fields that must be zero, and funct3).
    W       0x00000073
    W       0x00100073
    .set    bit, 7
    .rept   25
    .if (bit != 20)
    W       0x00000073 | 1 << bit
    W       0x00100073 | 1 << bit
    .endif
    .set    bit, bit + 1
    .endr

# CSR instructions on registers that no machine has, and writes to read-only ones.
    .irp funct3, 1, 2, 3, 5, 6, 7
    .irp csr, 0x000, 0x005, 0x0ff, 0x123, 0x400, 0x555, 0x6ff, 0x7ff, 0x800, 0x9ab, 0xbff, 0xf11, 0xf13, 0xfff
    .set    mix, (mix * 1664525 + 1013904223) & 0xffffffff
    W       \csr << 20 | (mix & 0x000f0f80) | 0x8000 | \funct3 << 12 | 0x73
    .endr
    .endr

# Whole words.
    W       0x00000000
    W       0xffffffff
    W       0x0000ffff
    W       0xffff0000
    W       0x00010001
    W       0x45014501
    W       0x80828082
    W       0xdeadbeec
words_end:

    .bss
    .balign 4
    .space  4
cell:
    .space  8
