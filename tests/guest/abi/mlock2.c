/* man 2 mlock2 */
#include "abi.h"

enum { PAGE = 4096, ON_FAULT = 1 };

static void results(void)
{
    unsigned char there = 0;
    char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED && madvise(at, 2 * PAGE, MADV_NOHUGEPAGE) == 0);
    CHECK_EQ(CALL(mlock2, at, PAGE, ON_FAULT), 0);
    CHECK(mincore(at, PAGE, &there) == 0 && !(there & 1));
    at[0] = 1;
    CHECK_ERRNO(madvise(at, PAGE, MADV_DONTNEED), EINVAL); /* it is locked */
    CHECK_EQ(CALL(mlock2, at + PAGE, PAGE, 0), 0);
    CHECK(mincore(at + PAGE, PAGE, &there) == 0 && there & 1);
    CHECK_ERRNO(CALL(mlock2, at, PAGE, 2), EINVAL);
}

int main(void)
{
    promise_apart("mlock2: flags and errors", results);
    return check_end();
}
