/* Primes below 1,000 by a sieve of bytes, a sieve of bits and trial division with an unsigned remainder. */
#include "program.h"

enum { LIMIT = 1000, N_PRIMES = 168, LAST = 997 };

static uint8_t composite[LIMIT];
static uint32_t composite_bits[(LIMIT + 31) / 32];

static int bit_of(uint32_t n)
{
    return composite_bits[n >> 5] >> (n & 31) & 1;
}

static int is_prime(uint32_t n)
{
    for (uint32_t d = 3; d + d <= n; d += 2)
        if (n % d == 0)
            return 0;
    return n == 2 || (n > 1 && (n & 1));
}

int main(void)
{
    int n = 0;
    uint32_t last = 0;
    for (uint32_t p = 2; p < LIMIT; p++) {
        if (composite[p])
            continue;
        n++;
        last = p;
        for (uint32_t multiple = p + p; multiple < LIMIT; multiple += p)
            composite[multiple] = 1;
    }
    CHECK(1, n == N_PRIMES && last == LAST);
    for (uint32_t p = 3; p < 32; p += 2)
        if (!bit_of(p))
            for (uint32_t multiple = 3 * p; multiple < LIMIT; multiple += 2 * p)
                composite_bits[multiple >> 5] |= 1u << (multiple & 31);
    for (uint32_t p = 3; p < LIMIT; p += 2)
        CHECK(2, bit_of(p) == composite[p]);
    for (uint32_t p = 0; p < 20; p++)
        CHECK(3, is_prime(p) == (p > 1 && !composite[p]));
    return 0;
}
