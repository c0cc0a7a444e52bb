/* The C library of the small system. */
#include "soc.h"

#define STACK_ROOM 4096

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
    return c;
}

static size_t digits(char *end, uint32_t value, uint32_t base, const char *alphabet)
{
    size_t n = 0;
    do {
        *--end = alphabet[value % base];
        value /= base;
        n++;
    } while (value);
    return n;
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

static int number(uint32_t value, int negative, uint32_t base, const char *alphabet, size_t width, int left, char pad)
{
    char buffer[12];
    char *end = buffer + sizeof buffer;
    size_t n = digits(end, value, base, alphabet);
    if (!negative)
        return padded(end - n, n, width, left, pad);
    if (pad == '0' && !left) { /* the sign stands before the zeros */
        putchar('-');
        return 1 + padded(end - n, n, width ? width - 1 : 0, left, pad);
    }
    *(end - n - 1) = '-';
    return padded(end - n - 1, n + 1, width, left, pad);
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
        int left = 0;
        char pad = ' ';
        size_t width = 0;
        for (format++; *format == '-' || *format == '0'; format++) {
            if (*format == '-')
                left = 1;
            else
                pad = '0';
        }
        for (; *format >= '0' && *format <= '9'; format++)
            width = 10 * width + (size_t)(*format - '0');
        while (*format == 'l')
            format++;
        switch (*format) {
        case 'c': {
            char c = (char)va_arg(values, int);
            written += padded(&c, 1, width, left, ' ');
            break;
        }
        case 's': {
            const char *text = va_arg(values, const char *);
            written += padded(text, strlen(text), width, left, ' ');
            break;
        }
        case 'd':
        case 'i': {
            int32_t value = va_arg(values, int32_t);
            written += number(value < 0 ? -(uint32_t)value : (uint32_t)value, value < 0, 10, lower, width, left, pad);
            break;
        }
        case 'u':
            written += number(va_arg(values, uint32_t), 0, 10, lower, width, left, pad);
            break;
        case 'p':
        case 'x':
            written += number(va_arg(values, uint32_t), 0, 16, lower, width, left, pad);
            break;
        case 'X':
            written += number(va_arg(values, uint32_t), 0, 16, upper, width, left, pad);
            break;
        case '\0':
            return written;
        default:
            putchar(*format);
            written++;
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
    n = (n + 15) & ~(size_t)15;
    if (next > end || n > end - next)
        return NULL;
    next += n;
    return (void *)(next - n);
}

void free(void *block)
{
    (void)block;
}
