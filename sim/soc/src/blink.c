/* Counts on the pins, half a second a step (the UART's 115,200 baud tell the clock); with pin 0 in held high, fast and for eight steps only. */
#include "soc.h"

int main(void)
{
    int fast = GPIO_IN & 1;
    for (uint32_t step = 0; !fast || step < 8; step++) {
        GPIO_OUT = step;
        wait_cycles(fast ? 100 : 57600 * UART_CLOCKS);
    }
    printf("pins show %lu\n", GPIO_OUT);
    return 0;
}
