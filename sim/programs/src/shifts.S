# All shifts by all amounts. A shift by n must be n shifts by one; a shift by one must agree with addition.

#include "checks.h"

    .text
    BEGIN
    la      s1, values
    la      s2, values_end
value_loop:
    lw      a0, 0(s1)
    li      x30, 1
    slli    t0, a0, 1
    add     t1, a0, a0
    SAME    t0, t1
    andi    t2, a0, 1
    srli    t0, a0, 1
    add     t1, t0, t0
    or      t1, t1, t2
    SAME    t1, a0
    srai    t0, a0, 1
    add     t1, t0, t0
    or      t1, t1, t2
    SAME    t1, a0
    xor     t1, t0, a0
    bltz    t1, fail

# s3, s4, s5 follow the three shifts one step at a time.
    mv      s3, a0
    mv      s4, a0
    mv      s5, a0
    .set    amount, 0
    .rept   32
    li      x30, 100 + amount
    slli    t0, a0, amount
    SAME    t0, s3
    srli    t0, a0, amount
    SAME    t0, s4
    srai    t0, a0, amount
    SAME    t0, s5
    add     s3, s3, s3
    srli    s4, s4, 1
    srai    s5, s5, 1
    .set    amount, amount + 1
    .endr

# Amounts in registers: 0 to 31 with all kinds of bits above, which must not count.
    la      s6, above
    la      s7, above_end
above_loop:
    mv      s3, a0
    mv      s4, a0
    mv      s5, a0
    lw      a1, 0(s6)
    li      s8, 32
amount_loop:
    li      x30, 2
    sll     t0, a0, a1
    SAME    t0, s3
    srl     t0, a0, a1
    SAME    t0, s4
    sra     t0, a0, a1
    SAME    t0, s5
    add     s3, s3, s3
    srli    s4, s4, 1
    srai    s5, s5, 1
    addi    a1, a1, 1
    addi    s8, s8, -1
    bnez    s8, amount_loop
    addi    s6, s6, 4
    bne     s6, s7, above_loop

# Amount and value in one register, and x0 as either.
    li      x30, 3
    mv      t0, a0
    sll     t1, a0, a0
    sll     t0, t0, t0
    SAME    t0, t1
    mv      t0, a0
    srl     t1, a0, a0
    srl     t0, t0, t0
    SAME    t0, t1
    mv      t0, a0
    sra     t1, a0, a0
    sra     t0, t0, t0
    SAME    t0, t1
    sll     t0, a0, x0
    SAME    t0, a0
    sra     t0, x0, a0
    bnez    t0, fail
    addi    s1, s1, 4
    bne     s1, s2, value_loop
    END

    .section .rodata
    .balign 4
values:
    .word   0x00000000, 0xffffffff, 0x80000000, 0x7fffffff, 0x00000001, 0xa5a5a5a5, 0x12345678, 0xfedcba98
values_end:
above:
    .word   0x00000000, 0x00000020, 0xffffffe0, 0x5a5a5a40
above_end:
