# Start-up: reset, trap return, registers, stack; calls main and reports its result through tohost.
#
# The core keeps no CSRs. A trap goes to reset pc + 4, and by convention the jump there goes on to the address
# in x31. An instruction that may trap is therefore preceded by one that loads x31 with the place to go on.

    .section .text.start, "ax"
    .globl  _start
_start:
    j       start
    .globl  trap_entry
trap_entry:
    jalr    x0, 0(x31)

start:
    # On a machine with CSRs, point mtvec at the same handler. On the core this word is illegal and traps to
    # it, and both go on at the label.
    la      x31, 1f
    la      x5, trap_entry
    .insn i 0x73, 1, x0, x5, 0x305      # csrw mtvec, x5
1:
    .irp r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    li      x\r, 0
    .endr
    .irp r, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    li      x\r, 0
    .endr
    la      sp, __stack_top
    la      x31, unexpected_trap
    call    main
    # main returns 0, or the number of the check that failed; tohost is then 2 * number + 1.
    slli    a0, a0, 1
    ori     a0, a0, 1
    j       finish

unexpected_trap:
    li      a0, 0xdead1
    .globl finish
finish:
    la      t0, tohost
    sw      a0, 0(t0)
1:  j       1b

    # Double words, and fromhost unused: a host such as Spike's wants both.
    .section .tohost, "aw"
    .balign 8
    .globl tohost, fromhost
tohost:
    .word   0, 0
fromhost:
    .word   0, 0
