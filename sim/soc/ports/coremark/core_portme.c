/* CoreMark on the small system: time in clock cycles, seeds, and the result without rounding to seconds. */
#include "coremark.h"

#define CLOCK 1000000u /* the clock has no frequency of its own: seconds are those of 1 MHz */

#if VALIDATION_RUN
volatile ee_s32 seed1_volatile = 0x3415, seed2_volatile = 0x3415, seed3_volatile = 0x66;
#else
volatile ee_s32 seed1_volatile = 0, seed2_volatile = 0, seed3_volatile = 0x66;
#endif
volatile ee_s32 seed4_volatile = ITERATIONS, seed5_volatile = 0;

ee_u32 default_num_contexts = 1;

static uint64_t started, stopped;

void start_time(void)
{
    started = cycles();
}

void stop_time(void)
{
    stopped = cycles();
}

CORE_TICKS get_time(void)
{
    return (CORE_TICKS)(stopped - started);
}

secs_ret time_in_secs(CORE_TICKS ticks)
{
    return (secs_ret)(ticks / CLOCK);
}

void portable_init(core_portable *p, int *argc, char *argv[])
{
    (void)argc;
    (void)argv;
    p->portable_id = 1;
}

void portable_fini(core_portable *p)
{
    uint32_t spent = get_time();
    uint32_t hundredths = (uint32_t)(100ull * CLOCK * ITERATIONS / spent);
    printf("%d iterations, %lu cycles, %lu.%02lu CoreMark/MHz\n", ITERATIONS, spent, hundredths / 100,
           hundredths % 100);
    p->portable_id = 0;
}
