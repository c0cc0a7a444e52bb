// Shared by the assembly programs. main saves ra and sp here, so that all other registers are free; x30 holds
// the number of the check that runs, and a failed one jumps to `fail`.
    .macro BEGIN
    .globl main
main:
    la      x30, saved
    sw      ra, 0(x30)
    sw      sp, 4(x30)
    .endm

    .macro END
    li      a0, 0
    j       leave
fail:
    mv      a0, x30
leave:
    la      x30, saved
    lw      ra, 0(x30)
    lw      sp, 4(x30)
    ret
    .bss
    .balign 4
saved:
    .space  8
    .endm

// Registers a and b must hold the same word.
    .macro SAME a, b
    bne     \a, \b, fail
    .endm
