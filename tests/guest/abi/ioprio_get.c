/* man 2 ioprio_get */
#include "abi.h"

enum { PROCESS = 1, GROUP, USER, IDLE = 3 << 13, BEST_EFFORT = 2 << 13 };

static void results(void)
{
    if (CALL(ioprio_get, PROCESS, 0) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_BLOCK");
    CHECK_EQ(CALL(ioprio_set, PROCESS, 0, BEST_EFFORT | 2), 0);
    CHECK_EQ(CALL(ioprio_get, PROCESS, 0), BEST_EFFORT | 2);
    CHECK_EQ(CALL(ioprio_get, PROCESS, getpid()), BEST_EFFORT | 2);
    CHECK(CALL(ioprio_get, USER, 0) >= 0);
    CHECK_ERRNO(CALL(ioprio_get, 9, 0), EINVAL);
    CHECK_ERRNO(CALL(ioprio_get, PROCESS, 0x3ffffff), ESRCH);
    CHECK_ERRNO(CALL(ioprio_get, USER, 4242), ESRCH);
}

int main(void)
{
    promise_apart("ioprio_get: results and errors", results);
    return check_end();
}
