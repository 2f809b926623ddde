/* lib/string.h: memory and strings, as in ISO C; and what a kernel needs beside. Any context. */
#pragma once

#include "lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
/* Where the n bytes are first; NULL: nowhere, or n is 0. Looks at each len/n-th byte mostly. */
void *memmem(const void *s, size_t len, const void *find, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *find);

/* Copy at most size-1 bytes and end with 0; returns strlen(src). size must not be 0. */
size_t strlcpy(char *dst, const char *src, size_t size);

/* A number in the given base (0: by prefix 0x or 0, else 10). Returns 0 and the value, or
 * -EINVAL for anything but digits up to the end, -ERANGE. */
int parse_u64(const char *s, unsigned base, uint64_t *value);

/* Format as printf does: d i u x X o c s p % with flags, width, precision, hh h l ll z j t.
 * Returns the length it would have; writes at most size bytes with the 0. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
