/* For benchmarks that ask for <stdio.h>: what the small system has of it. */
#define EOF (-1)
int printf(const char *format, ...);
int puts(const char *text);
int putchar(int c);
int getchar(void);
