/* man 2 sched_getscheduler */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(sched_getscheduler, 0), SCHED_OTHER);
    CHECK_EQ(CALL(sched_getscheduler, getpid()), SCHED_OTHER);
    CHECK_ERRNO(CALL(sched_getscheduler, -1), EINVAL);
    CHECK_ERRNO(CALL(sched_getscheduler, 0x3ffffff), ESRCH);
}

int main(void)
{
    promise("sched_getscheduler: results and errors", results);
    return check_end();
}
