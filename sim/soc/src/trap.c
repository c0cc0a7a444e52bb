/* Ends by a trap: a load from an odd address. */
#include "soc.h"

int main(void)
{
    volatile uint32_t odd = 0x80000001;
    printf("about to trap\n");
    return (int)*(volatile uint32_t *)odd;
}
