/* Print where executable, heap, mappings, stack and vDSO lie, one per line. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    char here;

    printf("executable %p\n", (void *)main);
    printf("heap %p\n", sbrk(0));
    printf("mapping %p\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    printf("stack %p\n", (void *)&here);
    printf("vdso %p\n", (void *)getauxval(AT_SYSINFO_EHDR));
    return 0;
}
