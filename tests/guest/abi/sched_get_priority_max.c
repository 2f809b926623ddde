/* man 2 sched_get_priority_max */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(sched_get_priority_max, SCHED_FIFO), 99);
    CHECK_EQ(CALL(sched_get_priority_max, SCHED_RR), 99);
    CHECK_EQ(CALL(sched_get_priority_max, SCHED_OTHER), 0);
    CHECK_EQ(CALL(sched_get_priority_max, SCHED_BATCH), 0);
    CHECK_EQ(CALL(sched_get_priority_max, SCHED_IDLE), 0);
    CHECK_EQ(CALL(sched_get_priority_max, 6 /* SCHED_DEADLINE */), 0);
    CHECK_ERRNO(CALL(sched_get_priority_max, 4), EINVAL);
    CHECK_ERRNO(CALL(sched_get_priority_max, -1), EINVAL);
}

int main(void)
{
    promise("sched_get_priority_max: results and errors", results);
    return check_end();
}
