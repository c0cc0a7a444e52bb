/* The C library of the small system. */
#include "soc.h"

#define STACK_ROOM 4096
#define END_OF_TRANSMISSION 4

extern char __heap_start[], __stack_top[];

void exit(int code)
{
    while (!(UART_STATE & 1)) /* what was printed is on the line by then */
        ;
    EXIT = (uint32_t)code;
    for (;;)
        ;
}

uint64_t cycles(void)
{
    uint32_t low = TIMER_LOW; /* keeps the upper half that belongs to it */
    return (uint64_t)TIMER_HIGH << 32 | low;
}

void wait_cycles(uint32_t n)
{
    uint32_t start = TIMER_LOW;
    while (TIMER_LOW - start < n)
        ;
}

int putchar(int c)
{
    while (!(UART_STATE & 1))
        ;
    UART_DATA = (uint8_t)c;
    return (uint8_t)c;
}

static int put(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        putchar(text[i]);
    return (int)n;
}

int puts(const char *text)
{
    int n = put(text, strlen(text));
    putchar('\n');
    return n + 1;
}

int getchar_now(void)
{
    return UART_STATE & 2 ? (int)(UART_DATA & 0xff) : -1;
}

int getchar(void)
{
    int c;
    do
        c = getchar_now();
    while (c < 0);
    return c == END_OF_TRANSMISSION ? EOF : c;
}

/* One digit: what is left of the value over the base. There is no divider, and libgcc's of 64 bits is large. */
static uint32_t digit(uint64_t *value, uint32_t base)
{
    uint32_t low = (uint32_t)*value, high = (uint32_t)(*value >> 32);
    if (!high) {
        *value = low / base;
        return low % base;
    }
    uint32_t middle = (high % base) << 16 | low >> 16;
    uint32_t last = (middle % base) << 16 | (low & 0xffff);
    *value = (uint64_t)(high / base) << 32 | (middle / base) << 16 | last / base;
    return last % base;
}

static int padded(const char *text, size_t n, size_t width, int left, char pad)
{
    size_t more = width > n ? width - n : 0;
    for (size_t i = 0; !left && i < more; i++)
        putchar(pad);
    put(text, n);
    for (size_t i = 0; left && i < more; i++)
        putchar(' ');
    return (int)(n + more);
}

static int number(uint64_t value, int negative, uint32_t base, const char *alphabet, size_t width, int left, char pad)
{
    char buffer[21]; /* 2^64 has 20 digits */
    char *end = buffer + sizeof buffer, *first = end;
    do
        *--first = alphabet[digit(&value, base)];
    while (value);
    if (!negative)
        return padded(first, (size_t)(end - first), width, left, pad);
    if (pad == '0' && !left) { /* the sign stands before the zeros */
        putchar('-');
        return 1 + padded(first, (size_t)(end - first), width ? width - 1 : 0, left, pad);
    }
    *--first = '-';
    return padded(first, (size_t)(end - first), width, left, pad);
}

static int one_of(char c, const char *set)
{
    while (*set && *set != c)
        set++;
    return *set != '\0';
}

int vprintf(const char *format, va_list values)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    int written = 0;
    for (; *format; format++) {
        if (*format != '%') {
            putchar(*format);
            written++;
            continue;
        }
        const char *start = format++;
        int left = 0, known = 1, n_long = 0;
        char pad = ' ';
        size_t width = 0;
        for (; one_of(*format, "-0+ #"); format++) {
            if (*format == '-')
                left = 1;
            else if (*format == '0')
                pad = '0';
            else
                known = 0;
        }
        for (; one_of(*format, "0123456789.*"); format++) {
            if (*format >= '0' && *format <= '9') {
                width = 10 * width + (size_t)(*format - '0');
                continue;
            }
            known = 0;
            if (*format == '*')
                (void)va_arg(values, int);
        }
        for (; one_of(*format, "lhjzt"); format++) {
            n_long += *format == 'l' ? 1 : *format == 'j' ? 2 : 0;
            known &= *format != 'h';
        }
        if (!*format || !known || !one_of(*format, "csdiuxXp%")) { /* shown as it stands, and its value skipped */
            if (one_of(*format, "aAeEfFgG") || (n_long > 1 && one_of(*format, "diouxX")))
                (void)va_arg(values, uint64_t);
            else if (one_of(*format, "diouxXcspn"))
                (void)va_arg(values, uint32_t);
            format -= !*format;
            written += put(start, (size_t)(format - start) + 1);
            continue;
        }
        if (*format == 'c' || *format == '%') {
            char c = *format == 'c' ? (char)va_arg(values, int) : '%';
            written += padded(&c, 1, width, left, ' ');
        } else if (*format == 's') {
            const char *text = va_arg(values, const char *);
            written += padded(text, strlen(text), width, left, ' ');
        } else {
            int is_signed = *format == 'd' || *format == 'i', is_decimal = is_signed || *format == 'u';
            uint64_t value = n_long > 1 ? va_arg(values, uint64_t) : va_arg(values, uint32_t);
            if (is_signed && n_long < 2)
                value = (uint64_t)(int32_t)value;
            int negative = is_signed && (int64_t)value < 0;
            written += number(negative ? -value : value, negative, is_decimal ? 10 : 16,
                              *format == 'X' ? upper : lower, width, left, pad);
        }
    }
    return written;
}

int printf(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int written = vprintf(format, values);
    va_end(values);
    return written;
}

void *memcpy(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0)
        for (; n >= 4; n -= 4, t += 4, f += 4)
            *(uint32_t *)t = *(const uint32_t *)f;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if (t <= f || t >= f + n)
        return memcpy(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *t = to;
    while (n--)
        *t++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

char *strcpy(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

void *malloc(size_t n)
{
    static uintptr_t next;
    uintptr_t end = (uintptr_t)__stack_top - STACK_ROOM;
    if (!next)
        next = (uintptr_t)__heap_start;
    if (next > end || n > end - next) /* before it is rounded: that may wrap */
        return NULL;
    uintptr_t block = next;
    next += (n + 15) & ~(size_t)15;
    return (void *)block;
}

void free(void *block)
{
    (void)block;
}
