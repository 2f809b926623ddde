/* man 2 sched_getaffinity: the call returns how many bytes it wrote. */
#include "abi.h"

static void results(void)
{
    uint64_t set[16] = {0};
    long size = CALL(sched_getaffinity, 0, sizeof set, set);

    CHECK(size >= 8 && size % 8 == 0 && set[0] != 0);
    CHECK_EQ(CALL(sched_getaffinity, getppid(), sizeof set, set), size);
    CHECK_ERRNO(CALL(sched_getaffinity, 0, 7, set), EINVAL);
    CHECK_ERRNO(CALL(sched_getaffinity, 0, 0, set), EINVAL);
    CHECK_ERRNO(CALL(sched_getaffinity, 0, sizeof set, BAD), EFAULT);
    CHECK_ERRNO(CALL(sched_getaffinity, 0x3ffffff, sizeof set, set), ESRCH);
}

int main(void)
{
    promise("sched_getaffinity: results and errors", results);
    return check_end();
}
