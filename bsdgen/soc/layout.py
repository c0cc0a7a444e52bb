"""Where everything is: the addresses that gateware, linker script and C library agree on.

=============  ==========  ==================================================================
address        name        meaning
=============  ==========  ==================================================================
0x1000_0000    UART_DATA   write: a byte to send, lost unless the UART is ready; read: the
                           last byte received, which frees the place for the next one
0x1000_0004    UART_STATE  bit 0: ready to send; bit 1: a byte was received and not read yet
                           (one that comes meanwhile replaces it: the older one is lost)
0x1000_0008    UART_CLOCKS clocks a bit, at least 4
0x1000_1000    TIMER_LOW   clock cycles since reset; reading it keeps the upper half that
                           belongs to it in TIMER_HIGH
0x1000_1004    TIMER_HIGH  upper half of the count at the last read of TIMER_LOW
0x1000_2000    GPIO_OUT    pins driven
0x1000_2004    GPIO_IN     pins read
0x1000_3000    EXIT        a word stored here ends a simulation: 0 for success; hardware ignores it
0x8000_0000    RAM         code and data; the first instruction is its first word; as much as
                           there is, nothing repeats behind it
=============  ==========  ==================================================================

Registers are words; reads of other addresses give 0, writes to them do nothing.
"""

RAM_BASE = 0x8000_0000
RESET_PC = RAM_BASE
UART_DATA, UART_STATE, UART_CLOCKS = 0x1000_0000, 0x1000_0004, 0x1000_0008
TIMER_LOW, TIMER_HIGH = 0x1000_1000, 0x1000_1004
GPIO_OUT, GPIO_IN = 0x1000_2000, 0x1000_2004
EXIT = 0x1000_3000
PAGE_BITS = 12
"""Bits of an address inside one peripheral."""
DIVISOR_BITS = 16
"""Of UART_CLOCKS: down to 1,200 baud at 78 MHz."""
N_PINS = 8
"""GPIO pins in each direction."""
