/* first.c: says hello; its first instruction is what the boot is measured to. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
