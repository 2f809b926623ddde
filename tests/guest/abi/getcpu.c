/* man 2 getcpu */
#include "abi.h"

static void results(void)
{
    cpu_set_t set;
    unsigned cpu = 99, node = 99;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    NEED(sched_setaffinity(0, sizeof set, &set) == 0);
    CHECK_EQ(CALL(getcpu, &cpu, &node, NULL), 0);
    CHECK(cpu == 0 && node < 64);
    CHECK_EQ(CALL(getcpu, NULL, NULL, NULL), 0);
    CHECK_ERRNO(CALL(getcpu, BAD, NULL, NULL), EFAULT);
    CHECK_ERRNO(CALL(getcpu, NULL, BAD, NULL), EFAULT);
}

int main(void)
{
    promise_apart("getcpu: results and errors", results);
    return check_end();
}
