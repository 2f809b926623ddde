/* man 2 sched_get_priority_min */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(sched_get_priority_min, SCHED_FIFO), 1);
    CHECK_EQ(CALL(sched_get_priority_min, SCHED_RR), 1);
    CHECK_EQ(CALL(sched_get_priority_min, SCHED_OTHER), 0);
    CHECK_EQ(CALL(sched_get_priority_min, 6 /* SCHED_DEADLINE */), 0);
    CHECK_ERRNO(CALL(sched_get_priority_min, 4), EINVAL);
}

int main(void)
{
    promise("sched_get_priority_min: results and errors", results);
    return check_end();
}
