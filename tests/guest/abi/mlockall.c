/* man 2 mlockall */
#include "abi.h"

enum { PAGE = 4096 };

static void results(void)
{
    unsigned char there = 0;
    char *at;

    CHECK_ERRNO(CALL(mlockall, 0), EINVAL);
    CHECK_ERRNO(CALL(mlockall, 8), EINVAL);
    CHECK_ERRNO(CALL(mlockall, MCL_ONFAULT), EINVAL); /* alone it says nothing */
    CHECK_EQ(CALL(mlockall, MCL_FUTURE), 0);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mincore(at, PAGE, &there) == 0 && there & 1);
    CHECK_ERRNO(madvise(at, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_EQ(munlockall(), 0);
    CHECK_EQ(CALL(mlockall, MCL_CURRENT | MCL_ONFAULT), 0);
    CHECK_ERRNO(madvise(at, PAGE, MADV_DONTNEED), EINVAL);
}

int main(void)
{
    promise_apart("mlockall: results and errors", results);
    return check_end();
}
