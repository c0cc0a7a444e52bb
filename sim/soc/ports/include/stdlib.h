/* For benchmarks that ask for <stdlib.h>: what the small system has of it. */
#include <stddef.h>
void *malloc(size_t n);
void free(void *block);
void exit(int code) __attribute__((noreturn));
