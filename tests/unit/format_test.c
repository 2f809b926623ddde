// sources:
// flags: -Ikernel
/* The kernel's snprintf against the C library's, and parse_u64. */
#include <stdio.h>
#include <string.h>

#define snprintf  kernel_snprintf
#define vsnprintf kernel_vsnprintf
#include "../../kernel/lib/format.c"
#undef snprintf
#undef vsnprintf

static int failures;

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char a[80], b[80];                                                                         \
        memset(a, 'x', sizeof(a));                                                                 \
        memset(b, 'x', sizeof(b));                                                                 \
        for (size_t size = 0; size <= sizeof(a); size += 5) {                                      \
            int na = kernel_snprintf(a, size, __VA_ARGS__), nb = snprintf(b, size, __VA_ARGS__);   \
            if (na != nb || memcmp(a, b, sizeof(a))) {                                             \
                printf("not ok - snprintf(" #__VA_ARGS__ "): '%.79s' for '%.79s'\n", a, b);        \
                failures++;                                                                        \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
    } while (0)

int main(void)
{
    SAME("%d %i %u", -5, 7, 4000000000u);
    SAME("%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
    SAME("%x %X %#x %#X %08x %#010x", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef);
    SAME("%o %#o", 0755, 0755);
    SAME("%lx %lld %zu %jd", 0x123456789abcdefl, -1ll, (size_t)9, (intmax_t)-3);
    SAME("%hhd %hd %hhu", 300, 70000, 300);
    SAME("%s|%10s|%-10s|%.2s|%.*s", "abc", "abc", "abc", "abc", 1, "abc");
    SAME("%c%%%c", 'a', 'b');
    SAME("%p", (void *)0x1234);
    SAME("%.3d|%8.3d|%-8.3d|%.0d", 5, 5, 5, 0);
    SAME("%*d|%-*d", 6, 1, 6, 1);
    SAME("%lu %ld", ~0ul, (long)(1ul << 63));
    if (!failures)
        printf("ok - snprintf prints what the C library's prints, at every size\n");
    return failures != 0;
}
