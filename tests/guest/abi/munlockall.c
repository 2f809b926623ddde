/* man 2 munlockall */
#include "abi.h"

enum { PAGE = 4096 };

static void results(void)
{
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED && mlock(at, PAGE) == 0);
    CHECK_EQ(CALL(munlockall), 0);
    CHECK_EQ(madvise(at, PAGE, MADV_DONTNEED), 0);
}

int main(void)
{
    promise_apart("munlockall unlocks all", results);
    return check_end();
}
