# Every instruction with a 12-bit immediate against its register form, on values at and next to the immediate,
# positive and negative; LUI and AUIPC against sums.

#include "checks.h"

    .text
    BEGIN
    la      s1, values
    la      s2, values_end
value_loop:
    lw      a0, 0(s1)

# Compare all forms on a0 and on values next to the immediate.
    .macro FORMS imm
    li      a1, \imm
    li      x30, 1
    addi    t0, a0, \imm
    add     t1, a0, a1
    SAME    t0, t1
    xori    t0, a0, \imm
    xor     t1, a0, a1
    SAME    t0, t1
    ori     t0, a0, \imm
    or      t1, a0, a1
    SAME    t0, t1
    andi    t0, a0, \imm
    and     t1, a0, a1
    SAME    t0, t1
    slti    t0, a0, \imm
    slt     t1, a0, a1
    SAME    t0, t1
    sltiu   t0, a0, \imm
    sltu    t1, a0, a1
    SAME    t0, t1
    .endm

# The register just below, at and just above the immediate, by known answers.
    .macro NEAR imm
    li      x30, 2
    li      a1, \imm
    slti    t0, a1, \imm
    sltiu   t1, a1, \imm
    or      t0, t0, t1
    bnez    t0, fail
    addi    a2, a1, -1
    slti    t0, a2, \imm
    beqz    t0, fail
    sltiu   t0, a2, \imm
    snez    t1, a1
    SAME    t0, t1
    addi    a2, a1, 1
    slti    t0, a2, \imm
    bnez    t0, fail
    sltiu   t0, a2, \imm
    seqz    t1, a2
    SAME    t0, t1
    lui     t0, 0x80000
    xor     a2, a1, t0
    slti    t0, a2, \imm
    slti    t1, a1, 0
    xori    t1, t1, 1
    SAME    t0, t1
    sltiu   t0, a2, \imm
    xori    t1, t1, 1
    SAME    t0, t1
    .endm

    .irp imm, 0, 1, -1, 2, -2, 7, -8, 127, -128, 255, 256, 1023, 1365, -1366, 2046, 2047, -2047, -2048
    FORMS   \imm
    .endr
    addi    s1, s1, 4
    bne     s1, s2, value_loop

    .irp imm, 0, 1, -1, 2, -2, 3, -3, 4, -4, 8, 16, 31, 32, -32, 64, -65, 100, 127, 128, -128, -129
    NEAR    \imm
    .endr
    .irp imm, 255, 256, -256, 512, -513, 1000, -1000, 1023, 1024, -1024, -1025, 1365, -1366, 2046, 2047, -2047, -2048
    NEAR    \imm
    .endr

# The upper immediate, built with shifts; AUIPC against a linked jump's address.
    .macro UPPER imm
    li      x30, 3
    lui     t0, \imm
    li      t1, \imm >> 12
    slli    t1, t1, 12
    addi    t2, x0, (\imm & 0xfff) >> 1
    slli    t2, t2, 1
    addi    t2, t2, \imm & 1
    or      t1, t1, t2
    slli    t1, t1, 12
    SAME    t0, t1
    li      x30, 4
    jal     t3, 1f
1:  auipc   t0, \imm
    sub     t0, t0, t3
    SAME    t0, t1
    .endm

    .irp imm, 0, 1, 2, 0x7ff, 0x800, 0xfff, 0x1000, 0x12345, 0x55555, 0x7ffff, 0x80000, 0x80001, 0xaaaaa, 0xedcba, 0xffffe, 0xfffff
    UPPER   \imm
    .endr
    END

    .section .rodata
    .balign 4
values:
    .word   0, 1, -1, 2, -2, 0x7fffffff, 0x80000000, 0x80000001, 0x7ff, 0x800, 0x801, -0x7ff, -0x800, -0x801
    .word   0xfff, 0x1000, 0x555, -0x556, 0x800007ff, 0x7ffff800, 0x12345678, 0xfedcba98, 127, -128, 256, 1023
values_end:
