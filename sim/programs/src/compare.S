# Every branch, SLT and SLTU on pairs of border values and on pairs that differ in one bit.
# Expected results come from subtraction and logic alone (Warren, Hacker's Delight, section 2-12).

#include "checks.h"

    .text
    BEGIN
    # All pairs of the table.
    la      s0, values
1:  la      s1, values
2:  lw      a0, 0(s0)
    lw      a1, 0(s1)
    jal     t6, pair
    addi    s1, s1, 4
    la      t0, values_end
    bne     s1, t0, 2b
    addi    s0, s0, 4
    bne     s0, t0, 1b
    # Some values against themselves with one bit flipped, in both orders.
    la      s0, values
    la      s1, flipped_end
3:  li      s2, 1
4:  lw      a0, 0(s0)
    xor     a1, a0, s2
    jal     t6, pair
    mv      t0, a0
    mv      a0, a1
    mv      a1, t0
    jal     t6, pair
    slli    s2, s2, 1
    bnez    s2, 4b
    addi    s0, s0, 4
    bltu    s0, s1, 3b
    # A register against itself and against x0, in both positions.
    la      s0, values
    la      s1, values_end
5:  lw      a0, 0(s0)
    li      x30, 100
    bne     a0, a0, fail
    blt     a0, a0, fail
    bltu    a0, a0, fail
    beq     a0, a0, 6f
    j       fail
6:  bge     a0, a0, 7f
    j       fail
7:  bgeu    a0, a0, 8f
    j       fail
8:  slt     t0, a0, a0
    sltu    t1, a0, a0
    or      t0, t0, t1
    bnez    t0, fail
    li      x30, 101
    bltu    a0, x0, fail
    srli    t0, a0, 31
    sltz    t1, a0
    SAME    t0, t1
    bltz    a0, 9f
    bnez    t0, fail
9:  sgtz    t1, a0
    bgtz    a0, 10f
    bnez    t1, fail
10: snez    t1, a0
    bltu    x0, a0, 11f
    bnez    t1, fail
    bnez    a0, fail
11: bgeu    x0, a0, 12f
    beqz    a0, fail
    beqz    t1, fail
12: addi    s0, s0, 4
    bne     s0, s1, 5b
    # x0 against itself.
    li      x30, 102
    bne     x0, x0, fail
    blt     x0, x0, fail
    bltu    x0, x0, fail
    bge     x0, x0, 13f
    j       fail
13: bgeu    x0, x0, 14f
    j       fail
14: j       done

# Branch `op` on a0 and a1 must be taken just when `expected` is 1.
    .macro TAKEN op, expected
    \op     a0, a1, 1f
    bnez    \expected, fail
    j       2f
1:  beqz    \expected, fail
2:
    .endm

# Compare a0 and a1 in every way; returns to t6.
pair:
    xor     t0, a0, a1
    sub     t1, a0, a1
    not     t2, a0
    # Signed: (a & ~b) | (~(a ^ b) & (a - b)), sign bit.
    not     t3, a1
    and     t3, t3, a0
    not     t4, t0
    and     t4, t4, t1
    or      a2, t3, t4
    srli    a2, a2, 31
    # Unsigned: (~a & b) | ((~a | b) & (a - b)), sign bit.
    and     t3, t2, a1
    or      t4, t2, a1
    and     t4, t4, t1
    or      a3, t3, t4
    srli    a3, a3, 31
    # Different: (a ^ b) | -(a ^ b), sign bit; then the complements.
    neg     t1, t0
    or      a4, t0, t1
    srli    a4, a4, 31
    xori    a5, a2, 1
    xori    a6, a3, 1
    xori    a7, a4, 1
    li      x30, 1
    slt     t0, a0, a1
    SAME    t0, a2
    li      x30, 2
    sltu    t0, a0, a1
    SAME    t0, a3
    li      x30, 3
    TAKEN   beq, a7
    TAKEN   bne, a4
    TAKEN   blt, a2
    TAKEN   bge, a5
    TAKEN   bltu, a3
    TAKEN   bgeu, a6
    jr      t6

done:
    END

    .section .rodata
    .balign 4
values:
    .word   0x00000000, 0x80000000, 0x7fffffff, 0x5a5aa5a4
flipped_end:
    .word   0x00000001, 0xffffffff, 0xfffffffe, 0x80000001, 0x7ffffffe, 0x00000002, 0x00008000
    .word   0x00007fff, 0xffff8000, 0x55555555, 0xaaaaaaaa, 0x12345678, 0x12345679, 0x92345678
values_end:
