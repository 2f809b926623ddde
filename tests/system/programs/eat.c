/* Touch MEGABYTES of memory, or all there is; say how far it came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    long most = argc > 1 ? atol(argv[1]) : 1L << 40;

    for (long mib = 0; mib < most; mib++) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED) {
            puts("mmap fails");
            return 3;
        }
        memset(at, 1, 1 << 20);
    }
    puts("all touched");
    return 0;
}
