/* man 2 sched_setparam */
#include "abi.h"

static void results(void)
{
    struct sched_param ten = {.sched_priority = 10}, twenty = {.sched_priority = 20}, got;

    CHECK_ERRNO(CALL(sched_setparam, 0, &ten), EINVAL); /* not for SCHED_OTHER */
    NEED(CALL(sched_setscheduler, 0, SCHED_RR, &ten) == 0);
    CHECK_EQ(CALL(sched_setparam, 0, &twenty), 0);
    CHECK(CALL(sched_getparam, 0, &got) == 0 && got.sched_priority == 20);
    CHECK_EQ(CALL(sched_getscheduler, 0), SCHED_RR);
    twenty.sched_priority = 100;
    CHECK_ERRNO(CALL(sched_setparam, 0, &twenty), EINVAL);
    CHECK_ERRNO(CALL(sched_setparam, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(sched_setparam, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(sched_setparam, 0x3ffffff, &ten), ESRCH);
}

int main(void)
{
    promise_apart("sched_setparam: results and errors", results);
    return check_end();
}
