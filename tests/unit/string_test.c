// sources:
// flags: -Ikernel -D_GNU_SOURCE -w
/* The kernel's memmem against the C library's, on bytes of few values and on many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *(*const c_memmem)(const void *, size_t, const void *, size_t) = memmem;

/* Not with the C library's: the compiler must not see its own names. */
#define memcpy  kernel_memcpy
#define memmove kernel_memmove
#define memset  kernel_memset
#define memcmp  kernel_memcmp
#define memchr  kernel_memchr
#define memmem  kernel_memmem
#define strlen  kernel_strlen
#define strnlen kernel_strnlen
#define strcmp  kernel_strcmp
#define strncmp kernel_strncmp
#define strchr  kernel_strchr
#define strrchr kernel_strrchr
#define strstr  kernel_strstr
#define strlcpy kernel_strlcpy
#include "../../kernel/lib/string.c"

int main(void)
{
    static unsigned char all[600], find[400];
    srand(1);
    for (unsigned i = 0; i < 200000; i++) {
        unsigned values = i % 3 ? 2 + rand() % 3 : 256;
        size_t len = rand() % (i % 50 ? 40 : sizeof(all)), n = rand() % (i % 50 ? 9 : sizeof(find));
        unsigned char *exact = malloc(len + 1), *end = exact + 1;
        for (size_t j = 0; j < len; j++)
            end[j] = rand() % values;
        for (size_t j = 0; j < n; j++)
            find[j] = rand() % values;
        if (n && n <= len && rand() % 2)
            kernel_memcpy(find, end + rand() % (len - n + 1), n);
        void *wanted = n ? c_memmem(end, len, find, n) : NULL;
        if (kernel_memmem(end, len, find, n) != wanted) {
            printf("not ok - memmem: %zu bytes in %zu (round %u)\n", n, len, i);
            return 1;
        }
        free(exact);
    }
    printf("ok - memmem finds what the C library's finds\n");
    return 0;
}
