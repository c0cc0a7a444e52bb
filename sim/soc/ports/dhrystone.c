/* What Dhrystone 2.1 needs of a system, and its result without rounding to seconds.
 *
 * The system's clock has no frequency of its own: time() says it is 1 MHz. Dhrystone asks for the time before and
 * after its runs; the cycles between the two calls are what counts.
 */
#include "soc.h"

#define CLOCK 1000000u
#define VAX_11_780 1757u /* Dhrystones a second of the machine that is 1 MIPS by definition */

int dhrystone(void);

static uint64_t asked[2];
static int times;

long time(long *unused)
{
    uint64_t now = cycles();
    (void)unused;
    asked[times & 1] = now;
    times++;
    return (long)(now / CLOCK);
}

int main(void)
{
    dhrystone();
    uint32_t spent = (uint32_t)(asked[1] - asked[0]);
    uint32_t per_run = spent / DHRY_ITERS;
    uint32_t hundredths = (uint32_t)(100ull * CLOCK * DHRY_ITERS / VAX_11_780 / spent);
    printf("%d runs, %lu cycles, %lu cycles a run, %lu.%02lu DMIPS/MHz\n", DHRY_ITERS, spent, per_run,
           hundredths / 100, hundredths % 100);
    return 0;
}
