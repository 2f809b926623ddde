#include "lib/string.h"

#include "lib/errno.h"
#include "lib/sanitize.h"

/* The compiler must not turn these loops into calls of themselves. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *d = dst;
    size_t words = n / 8;
    sanitize_check(src, n, false);
    sanitize_check(dst, n, true);
    n &= 7;
    asm volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
    asm volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    if ((uintptr_t)dst - (uintptr_t)src >= n)
        return memcpy(dst, src, n);
    char *d = (char *)dst + n;
    const char *s = (const char *)src + n;
    while (n--)
        *--d = *--s;
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8;
    uint64_t pattern = (uint8_t)c * 0x0101010101010101ull;
    sanitize_check(dst, n, true);
    n &= 7;
    asm volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(pattern) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const uint8_t *p = s; n; n--, p++)
        if (*p == (uint8_t)c)
            return (void *)p;
    return NULL;
}

/* By the last byte of where it could lie: how far from the end is that byte in what is looked for?
 */
void *memmem(const void *s, size_t len, const void *find, size_t n)
{
    const uint8_t *p = s, *end = p + len, *last = (const uint8_t *)find + n - 1;
    uint8_t skip[256];
    memset(skip, MIN(n, (size_t)UINT8_MAX), sizeof(skip));
    for (size_t i = 0; i + 1 < n; i++)
        skip[((const uint8_t *)find)[i]] = MIN(n - 1 - i, (size_t)UINT8_MAX);
    for (; n && (size_t)(end - p) >= n; p += skip[p[n - 1]])
        if (p[n - 1] == *last && memcmp(p, find, n) == 0)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return p - s;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = (char *)s;
        if (!*s)
            return found;
    }
}

char *strstr(const char *s, const char *find)
{
    size_t n = strlen(find);
    for (;; s++) {
        if (!strncmp(s, find, n))
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src), copied = MIN(n, size - 1);
    memcpy(dst, src, copied);
    dst[copied] = 0;
    return n;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

int parse_u64(const char *s, unsigned base, uint64_t *value)
{
    if (base == 0) {
        base = 10;
        if (s[0] == '0' && (s[1] | 0x20) == 'x') {
            base = 16;
            s += 2;
        } else if (s[0] == '0' && s[1]) {
            base = 8;
        }
    }
    if (!*s)
        return -EINVAL;
    uint64_t v = 0;
    for (; *s; s++) {
        unsigned d = digit_value(*s);
        if (d >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
            return -ERANGE;
    }
    *value = v;
    return 0;
}
