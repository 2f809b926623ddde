/* man 2 sched_setaffinity */
#include "abi.h"

static void results(void)
{
    uint64_t one = 1, none = 0, got = 0, beyond = 1ull << 63;
    unsigned cpu = 9;

    CHECK_EQ(CALL(sched_setaffinity, 0, sizeof one, &one), 0);
    CHECK(CALL(getcpu, &cpu, NULL) == 0 && cpu == 0);
    CHECK(CALL(sched_getaffinity, 0, sizeof got, &got) >= 8 && got == 1);
    CHECK_ERRNO(CALL(sched_setaffinity, 0, sizeof none, &none), EINVAL);
    CHECK_ERRNO(CALL(sched_setaffinity, 0, sizeof beyond, &beyond), EINVAL);
    CHECK_ERRNO(CALL(sched_setaffinity, 0, sizeof one, BAD), EFAULT);
    CHECK_ERRNO(CALL(sched_setaffinity, 0x3ffffff, sizeof one, &one), ESRCH);
    pid_t parent = getppid();
    become_nobody();
    CHECK_ERRNO(CALL(sched_setaffinity, parent, sizeof one, &one), EPERM);
}

int main(void)
{
    promise_apart("sched_setaffinity: results and errors", results);
    return check_end();
}
