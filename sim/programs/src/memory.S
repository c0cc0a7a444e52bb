# Every load and store of every width at every offset, with positive and negative immediates; those that are
# not aligned must trap and change nothing. Expected results come from whole words, shifts and masks.

#include "checks.h"

    .set    MARK, -0x5a5

    .text
    BEGIN

# One load at address a0 = window + offset; a7 holds the offset. t6 holds the expected result.
    .macro LOAD op, imm, expected
    li      a1, \imm
    sub     a1, a0, a1
    li      a2, MARK
    la      x31, 1f
    \op     a2, \imm(a1)
1:  SAME    a2, \expected
    .endm

    .macro LOADS imm
    LOAD    lb, \imm, s2
    LOAD    lbu, \imm, s3
    LOAD    lh, \imm, s4
    LOAD    lhu, \imm, s5
    LOAD    lw, \imm, s6
    .endm

    la      s1, patterns
load_pattern:
    lw      s8, 0(s1)
    lw      s9, 4(s1)
    la      a3, window
    sw      s8, 0(a3)
    sw      s9, 4(a3)
    li      a7, 0
load_offset:
    add     a0, a3, a7
    # s2 to s6: expected for lb, lbu, lh, lhu, lw.
    mv      t0, s8
    andi    t1, a7, 4
    beqz    t1, 1f
    mv      t0, s9
1:  andi    t1, a7, 3
    slli    t1, t1, 3
    srl     t0, t0, t1
    slli    s2, t0, 24
    srli    s3, s2, 24
    srai    s2, s2, 24
    slli    s4, t0, 16
    srli    s5, s4, 16
    srai    s4, s4, 16
    mv      s6, t0
    andi    t1, a7, 1
    beqz    t1, 1f
    li      s4, MARK
    li      s5, MARK
1:  andi    t1, a7, 3
    beqz    t1, 1f
    li      s6, MARK
1:  addi    x30, a7, 16
    .irp imm, 0, 1, -1, 2, -3, 4, -6, 127, -128, 1364, -1365, 2047, -2048
    LOADS   \imm
    .endr
    addi    a7, a7, 1
    li      t0, 8
    bne     a7, t0, load_offset
    addi    s1, s1, 4
    la      t0, patterns_end - 4
    bne     s1, t0, load_pattern

# One store of s7 at address a0; t4 and t5 hold the two words that must then be there.
    .macro STORE op, imm
    sw      s8, 0(a3)
    sw      s9, 4(a3)
    li      a1, \imm
    sub     a1, a0, a1
    la      x31, 1f
    \op     s7, \imm(a1)
1:  lw      t0, 0(a3)
    SAME    t0, t4
    lw      t0, 4(a3)
    SAME    t0, t5
    .endm

# Set t4 and t5 for a store of the bytes in `mask` (as a register) at offset a7 of the window.
    .macro EXPECT mask
    mv      t4, s8
    mv      t5, s9
    li      t0, \mask
    andi    t1, a7, 3
    slli    t1, t1, 3
    sll     t2, t0, t1
    and     t3, s7, t0
    sll     t3, t3, t1
    not     t2, t2
    andi    t0, a7, 4
    bnez    t0, 1f
    and     t4, t4, t2
    or      t4, t4, t3
    j       2f
1:  and     t5, t5, t2
    or      t5, t5, t3
2:
    .endm

# The same for a store that is not aligned.
    .macro UNTOUCHED
    mv      t4, s8
    mv      t5, s9
    .endm

    .macro STORES op
    .irp imm, 0, 1, -1, 3, -2, 63, -64, 2047, -2048
    STORE   \op, \imm
    .endr
    .endm

    la      s1, patterns
store_pattern:
    lw      s8, 0(s1)
    lw      s9, 4(s1)
    lw      s7, 8(s1)
    li      a7, 0
store_offset:
    add     a0, a3, a7
    addi    x30, a7, 32
    EXPECT  0xff
    STORES  sb
    andi    t0, a7, 1
    bnez    t0, 3f
    EXPECT  0xffff
    j       4f
3:  UNTOUCHED
4:  STORES  sh
    andi    t0, a7, 3
    bnez    t0, 3f
    EXPECT  -1
    j       4f
3:  UNTOUCHED
4:  STORES  sw
    addi    a7, a7, 1
    li      t0, 8
    bne     a7, t0, store_offset
    addi    s1, s1, 4
    la      t0, patterns_end - 8
    bne     s1, t0, store_pattern

# Into x0 a load still has to be aligned; a load may overwrite its own base.
    li      x30, 50
    la      x31, 1f
    lw      x0, 1(a3)
    j       fail
1:  lw      x0, 0(a3)
    mv      a1, a3
    sw      a3, 4(a3)
    lw      a1, 4(a1)
    SAME    a1, a3
    la      x31, 1f
    lh      a1, 3(a1)
    j       fail
1:  SAME    a1, a3
    sw      a1, 0(a1)
    lw      a1, 0(a1)
    SAME    a1, a3
    END

    .section .rodata
    .balign 4
patterns:
    .word   0x80ff7f00, 0x01fe8081, 0x7f80ff01, 0x00000000, 0xffffffff, 0x8000007f
patterns_end:

    .bss
    .balign 8
window:
    .space  8
