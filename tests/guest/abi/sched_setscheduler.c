/* man 2 sched_setscheduler */
#include "abi.h"

static void results(void)
{
    struct sched_param param = {.sched_priority = 10}, zero = {0};

    CHECK_EQ(CALL(sched_setscheduler, 0, SCHED_FIFO, &param), 0);
    CHECK_EQ(CALL(sched_getscheduler, 0), SCHED_FIFO);
    CHECK_ERRNO(CALL(sched_setscheduler, 0, SCHED_FIFO, &zero), EINVAL);
    CHECK_ERRNO(CALL(sched_setscheduler, 0, SCHED_OTHER, &param), EINVAL);
    CHECK_EQ(CALL(sched_setscheduler, 0, SCHED_BATCH | SCHED_RESET_ON_FORK, &zero), 0);
    CHECK_EQ(CALL(sched_getscheduler, 0), SCHED_BATCH | SCHED_RESET_ON_FORK);
    CHECK_EQ(CALL(sched_setscheduler, 0, SCHED_OTHER, &zero), 0);
    CHECK_ERRNO(CALL(sched_setscheduler, 0, 99, &zero), EINVAL);
    CHECK_ERRNO(CALL(sched_setscheduler, -1, SCHED_OTHER, &zero), EINVAL);
    CHECK_ERRNO(CALL(sched_setscheduler, 0x3ffffff, SCHED_OTHER, &zero), ESRCH);
    CHECK_ERRNO(CALL(sched_setscheduler, 0, SCHED_OTHER, BAD), EFAULT);
    CHECK_ERRNO(CALL(sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(sched_setscheduler, 0, SCHED_FIFO, &param), EPERM);
    CHECK_EQ(CALL(sched_setscheduler, 0, SCHED_IDLE, &zero), 0);
}

int main(void)
{
    promise_apart("sched_setscheduler: results and errors", results);
    return check_end();
}
