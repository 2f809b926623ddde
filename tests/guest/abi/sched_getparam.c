/* man 2 sched_getparam */
#include "abi.h"

static void results(void)
{
    struct sched_param got = {.sched_priority = 77};

    CHECK(CALL(sched_getparam, 0, &got) == 0 && got.sched_priority == 0);
    CHECK_ERRNO(CALL(sched_getparam, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(sched_getparam, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(sched_getparam, -1, &got), EINVAL);
    CHECK_ERRNO(CALL(sched_getparam, 0x3ffffff, &got), ESRCH);
}

int main(void)
{
    promise("sched_getparam: results and errors", results);
    return check_end();
}
