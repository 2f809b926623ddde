/* man 2 sched_rr_get_interval */
#include "abi.h"

static void results(void)
{
    struct sched_param ten = {.sched_priority = 10};
    struct timespec slice = {7, 7};

    NEED(CALL(sched_setscheduler, 0, SCHED_RR, &ten) == 0);
    CHECK_EQ(CALL(sched_rr_get_interval, 0, &slice), 0);
    CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 1000000);
    NEED(CALL(sched_setscheduler, 0, SCHED_FIFO, &ten) == 0);
    CHECK_EQ(CALL(sched_rr_get_interval, 0, &slice), 0);
    CHECK(slice.tv_sec == 0 && slice.tv_nsec == 0); /* it has no end */
    CHECK_ERRNO(CALL(sched_rr_get_interval, -1, &slice), EINVAL);
    CHECK_ERRNO(CALL(sched_rr_get_interval, 0x3ffffff, &slice), ESRCH);
    CHECK_ERRNO(CALL(sched_rr_get_interval, 0, BAD), EFAULT);
}

int main(void)
{
    promise_apart("sched_rr_get_interval: results and errors", results);
    return check_end();
}
