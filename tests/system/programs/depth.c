/* Go DEPTH calls down, then call getppid, or divide by zero: a stack that a backtrace must show. */
#include <stdlib.h>
#include <unistd.h>

int bottom(int how)
{
    volatile int nothing = 0;

    return how ? 7 / nothing : getppid();
}

__attribute__((noinline)) int descend(int depth, int how)
{
    return depth ? descend(depth - 1, how) + 1 : bottom(how) + 1;
}

int main(int argc, char **argv)
{
    return descend(argc > 1 ? atoi(argv[1]) : 3, argc > 2) < 0;
}
