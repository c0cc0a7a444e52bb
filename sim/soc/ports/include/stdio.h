/* For benchmarks that ask for <stdio.h>: what the small system has of it. */
int printf(const char *format, ...);
int puts(const char *text);
int putchar(int c);
int getchar(void);
