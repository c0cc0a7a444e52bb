/* Tries the C library: what printf makes of its directives, and what malloc gives; ends with 1 if that is wrong. */
#include "soc.h"

/* Not by its name, as the compiler warns of directives that the library does not know, or that do not exist. */
static int (*volatile print)(const char *format, ...) = printf;

int main(void)
{
    print("[%lld] [%llu] [%llx] [%24lld] [%d]\n", -1234567890123456789LL, 18446744073709551615ULL,
          0x123456789abcdef0ULL, -4294967296LL, 1);
    print("[%lld] [%llu] [%020llu] [%jd] [%zu] [%d]\n", INT64_MIN, 4294967295ULL, 4294967296ULL, (intmax_t)-1,
          (size_t)4294967295u, 2);
    print("[%+d] [%.3s] [%*d] [%#x] [%hd] [%o] [%f] [%d]\n", 5, "abcdef", 6, 7, 255, 1, 8, 1.5, 3);
    print("[%5%] [%-3c] [%q] [%d] 100%\n", 'c', 4);

    char *first = malloc(0), *second = malloc(17), *third = malloc(16);
    if (!first || ((uintptr_t)first & 15) || second != first || third != second + 32)
        return 1;
    if (malloc(0xfffffff1u) || malloc(0xffffffffu) || malloc(0x80000000u) || malloc(1) != third + 16)
        return 1;
    puts("malloc is right");
    return 0;
}
