/* Says hello, and what it runs on. */
#include "soc.h"

int main(void)
{
    uint64_t start = cycles();
    printf("Hello from a CPU that was learned from examples.\n");
    printf("%d %5d %-5d| %05d %u %x %08X %c %s%%\n", -42, -42, -42, -42, 4000000000u, 48879, 48879, '!', "100 ");
    uint64_t spent = cycles() - start;
    printf("printing that took %lu cycles\n", (uint32_t)spent);
    return 0;
}
