/* Primes below ten thousand, by a sieve; the last ones and how many there are. */
#include "soc.h"

#define LIMIT 10000

int main(void)
{
    uint8_t *composite = malloc(LIMIT);
    if (!composite) {
        puts("no memory");
        return 1;
    }
    memset(composite, 0, LIMIT);
    uint32_t count = 0, last = 0;
    for (uint32_t n = 2; n < LIMIT; n++) {
        if (composite[n])
            continue;
        count++;
        last = n;
        for (uint32_t multiple = n + n; multiple < LIMIT; multiple += n)
            composite[multiple] = 1;
    }
    printf("%lu primes below %d, the last one is %lu\n", count, LIMIT, last);
    return count == 1229 && last == 9973 ? 0 : 2;
}
