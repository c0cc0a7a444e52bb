/* What every C program shares. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0 when all checks passed, otherwise the number of the first check that failed. */
int main(void);

/* A check: leaves the calling function with `number` when `condition` does not hold. */
#define CHECK(number, condition) \
    do {                         \
        if (!(condition))        \
            return (number);     \
    } while (0)

/* xorshift32 (Marsaglia 2003); `state` must not be 0. */
static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

#endif
