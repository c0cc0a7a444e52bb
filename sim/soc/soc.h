/* The small system, for programs: registers, and a C library of a few functions. */
#ifndef SOC_H
#define SOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_DATA REGISTER(0x10000000)
#define UART_STATE REGISTER(0x10000004) /* bit 0: ready to send, bit 1: a byte was received */
#define UART_CLOCKS REGISTER(0x10000008)
#define TIMER_LOW REGISTER(0x10001000)
#define TIMER_HIGH REGISTER(0x10001004)
#define GPIO_OUT REGISTER(0x10002000)
#define GPIO_IN REGISTER(0x10002004)
#define EXIT REGISTER(0x10003000)

#define EOF (-1)

int main(void);

/* Ends a simulation; hardware stops here. */
void exit(int code) __attribute__((noreturn));

/* Clock cycles since reset. */
uint64_t cycles(void);
void wait_cycles(uint32_t n);

int putchar(int c);
int puts(const char *text);
/* Waits for a byte; EOF for end of transmission (4): Ctrl-D on a terminal, or the end of a simulation's input. */
int getchar(void);
/* A byte, whichever, or -1 if none was received. */
int getchar_now(void);
/* %c %s %d %i %u %x %X %p %%, with a width, a leading 0 or -, and l, ll, j, z or t. Another directive is printed as it
 * stands, and its value skipped. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list values);

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
char *strcpy(char *to, const char *from);
/* Never frees; NULL when the stack would be met. */
void *malloc(size_t n);
void free(void *block);

#endif
