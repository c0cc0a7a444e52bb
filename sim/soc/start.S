# Start-up: reset and trap at the first two words, stack, zeroed data, main, exit.
#
# The core keeps no CSRs and goes to the second word on a trap: an illegal instruction, ECALL, EBREAK, or a
# misaligned access. There is nothing to return to, so the program ends with the code 0xdead.

    .section .text.start, "ax"
    .globl  _start
_start:
    j       start
    j       trapped

start:
    la      sp, __stack_top
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sw      zero, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  li      a0, 0
    li      a1, 0
    call    main
    j       exit
trapped:
    la      sp, __stack_top
    li      a0, 0xdead
    j       exit
