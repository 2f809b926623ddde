/* man 2 sched_getattr */
#include "abi.h"
#include "sched_attr.h"

static void results(void)
{
    struct attr attr;
    struct sched_param ten = {.sched_priority = 10};

    memset(&attr, 0xff, sizeof attr);
    CHECK_EQ(CALL(sched_getattr, 0, &attr, sizeof attr, 0), 0);
    CHECK(attr.size >= 48 && attr.policy == SCHED_OTHER && attr.nice == nice(0) &&
          attr.priority == 0);
    NEED(CALL(sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, &ten) == 0);
    CHECK_EQ(CALL(sched_getattr, 0, &attr, 48, 0), 0);
    CHECK(attr.policy == SCHED_RR && attr.priority == 10 && attr.flags == 1);
    CHECK_ERRNO(CALL(sched_getattr, 0, &attr, 47, 0), EINVAL);
    CHECK_ERRNO(CALL(sched_getattr, 0, &attr, sizeof attr, 1), EINVAL);
    CHECK_ERRNO(CALL(sched_getattr, 0, BAD, sizeof attr, 0), EFAULT);
    CHECK_ERRNO(CALL(sched_getattr, 0, NULL, sizeof attr, 0), EINVAL);
    CHECK_ERRNO(CALL(sched_getattr, 0x3ffffff, &attr, sizeof attr, 0), ESRCH);
}

int main(void)
{
    promise_apart("sched_getattr: results and errors", results);
    return check_end();
}
