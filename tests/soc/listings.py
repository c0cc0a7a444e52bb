"""Small programs in machine code, for what the committed programs do not do."""

LOOP = 0x0000006F  # jal x0, .
EXIT_3 = [0x100032B7, 0x00300313, 0x0062A023, LOOP]  # lui x5, 0x10003; addi x6, x0, 3; sw x6, 0(x5)

SLOW_READER = [
    0x100002B7,  #     lui   x5, 0x10000
    0x000023B7,  # 1:  lui   x7, 2
    0xFFF38393,  # 2:  addi  x7, x7, -1
    0xFE039EE3,  #     bne   x7, x0, 2b
    0x0042A303,  # 3:  lw    x6, 4(x5)
    0x00237313,  #     andi  x6, x6, 2
    0xFE030CE3,  #     beq   x6, x0, 3b
    0x0002A303,  #     lw    x6, 0(x5)
    0xFFC30E13,  #     addi  x28, x6, -4
    0x000E0663,  #     beq   x28, x0, 4f
    0x0062A023,  #     sw    x6, 0(x5)
    0xFD9FF06F,  #     jal   x0, 1b
    0x100032B7,  # 4:  lui   x5, 0x10003
    0x0002A023,  #     sw    x0, 0(x5)
    LOOP,
]
"""Gives back a byte, some 16,000 cycles after the one before; ends with 0 at 0x04."""

OTHER_CLOCKS = [
    0x100002B7,  #     lui   x5, 0x10000
    0x03200313,  #     addi  x6, x0, 50
    0x0062A423,  #     sw    x6, 8(x5)
    0x0042A303,  # 1:  lw    x6, 4(x5)
    0x00237313,  #     andi  x6, x6, 2
    0xFE030CE3,  #     beq   x6, x0, 1b
    0x0002A303,  #     lw    x6, 0(x5)
    0xFFC30E13,  #     addi  x28, x6, -4
    0x000E0C63,  #     beq   x28, x0, 3f
    0x0042A383,  # 2:  lw    x7, 4(x5)
    0x0013F393,  #     andi  x7, x7, 1
    0xFE038CE3,  #     beq   x7, x0, 2b
    0x0062A023,  #     sw    x6, 0(x5)
    0xFD9FF06F,  #     jal   x0, 1b
    0x100032B7,  # 3:  lui   x5, 0x10003
    0x0002A023,  #     sw    x0, 0(x5)
    LOOP,
]
"""Gives bytes back over a line of 50 clocks a bit; ends with 0 at 0x04."""

STORES_ITS_NEXT = [
    0x00000297,  # auipc x5, 0
    0x01C2A303,  # lw    x6, 28(x5)
    0x0062A623,  # sw    x6, 12(x5)
    0x00100513,  # addi  x10, x0, 1      is stored over
    0x100032B7,  # lui   x5, 0x10003
    0x00A2A023,  # sw    x10, 0(x5)
    LOOP,
    0x00700513,  # addi  x10, x0, 7
]
"""Stores the instruction behind the store; ends with 7 if that one is executed, with 1 if the old one is."""

BEHIND_1K = [
    0x0100006F,  #     jal   x0, 1f
    0x100032B7,  #     lui   x5, 0x10003         a trap comes here
    0x00A2A023,  #     sw    x10, 0(x5)
    LOOP,
    0x800002B7,  # 1:  lui   x5, 0x80000
    0x0002A303,  #     lw    x6, 0(x5)
    0xFFF00393,  #     addi  x7, x0, -1
    0x4072A023,  #     sw    x7, 1024(x5)        does nothing
    0x7E728E23,  #     sb    x7, 2044(x5)
    0x4002A403,  #     lw    x8, 1024(x5)        0
    0x0002A483,  #     lw    x9, 0(x5)           as before
    0x0064C4B3,  #     xor   x9, x9, x6
    0x00946533,  #     or    x10, x8, x9
    0x40000E37,  #     lui   x28, 0x40000
    0x005E0E33,  #     add   x28, x28, x5
    0x000E2E03,  #     lw    x28, 0(x28)         0xc0000000: 0
    0x01C56533,  #     or    x10, x10, x28
    0x100023B7,  #     lui   x7, 0x10002
    0x06F00313,  #     addi  x6, x0, 0x6f        jal x0, . on the pins
    0x0063A023,  #     sw    x6, 0(x7)
    0x0602A303,  #     lw    x6, 96(x5)
    0x3E62AE23,  #     sw    x6, 1020(x5)
    0x3FC28067,  #     jalr  x0, 1020(x5)        the last word: it looks at the pins, and falls off the end
    LOOP,
    0x0003A303,  #     lw    x6, 0(x7)
]
"""Ends with 0, by a trap, if 1 KiB of memory repeats nowhere and the fetch behind it is of nothing."""
