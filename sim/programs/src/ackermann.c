/* Deep recursion: Ackermann's function (call depth over 60), Takeuchi's, Hofstadter's Q. */
#include "program.h"

static uint32_t __attribute__((noinline)) ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static int32_t __attribute__((noinline)) takeuchi(int32_t x, int32_t y, int32_t z)
{
    if (y >= x)
        return z;
    return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static uint32_t seen[41];

static uint32_t __attribute__((noinline)) hofstadter(uint32_t n)
{
    if (n <= 2)
        return 1;
    if (seen[n] == 0)
        seen[n] = hofstadter(n - hofstadter(n - 1)) + hofstadter(n - hofstadter(n - 2));
    return seen[n];
}

/* Mutual recursion through a pointer. */
static int odd(int32_t n);

static int even(int32_t n)
{
    return n == 0 ? 1 : odd(n > 0 ? n - 1 : n + 1);
}

static int (*volatile even_pointer)(int32_t) = even;

static int odd(int32_t n)
{
    return n == 0 ? 0 : even_pointer(n > 0 ? n - 1 : n + 1);
}

int main(void)
{
    CHECK(1, ackermann(0, 7) == 8 && ackermann(1, 7) == 9 && ackermann(2, 7) == 17);
    CHECK(2, ackermann(3, 3) == 61);
    CHECK(3, takeuchi(7, 4, 2) == 4 && takeuchi(-1, -4, -6) == -4 && takeuchi(3, 3, -5) == -5);
    CHECK(4, hofstadter(40) == 22);
    CHECK(5, even(40) && !odd(40) && odd(-33) && !even(-33));
    return 0;
}
