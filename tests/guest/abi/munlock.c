/* man 2 munlock */
#include "abi.h"

enum { PAGE = 4096 };

static void results(void)
{
    char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED && mlock(at, PAGE) == 0);
    CHECK_ERRNO(madvise(at, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_EQ(CALL(munlock, at, PAGE), 0);
    CHECK_EQ(madvise(at, PAGE, MADV_DONTNEED), 0);
    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(CALL(munlock, at, 3 * PAGE), ENOMEM);
    CHECK_ERRNO(CALL(munlock, at, -2 * PAGE), EINVAL);
}

int main(void)
{
    promise_apart("munlock: results and errors", results);
    return check_end();
}
