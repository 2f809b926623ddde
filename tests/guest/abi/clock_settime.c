/* man 2 clock_settime */
#include "abi.h"

static void results(void)
{
    struct timespec now, wrong = {0, 1000000000}, negative = {-1, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (geteuid() != 0)
        SKIP("not allowed here");
    if (inside_osprey()) /* elsewhere the clock is not ours to set */
        CHECK_EQ(CALL(clock_settime, CLOCK_REALTIME, &now), 0);
    CHECK_ERRNO(CALL(clock_settime, CLOCK_REALTIME, &wrong), EINVAL);
    CHECK_ERRNO(CALL(clock_settime, CLOCK_REALTIME, &negative), EINVAL);
    CHECK_ERRNO(CALL(clock_settime, CLOCK_MONOTONIC, &now), EINVAL);
    CHECK_ERRNO(CALL(clock_settime, 99, &now), EINVAL);
    CHECK_ERRNO(CALL(clock_settime, CLOCK_REALTIME, BAD), EFAULT);
    become_nobody();
    CHECK_ERRNO(CALL(clock_settime, CLOCK_REALTIME, &now), EPERM);
}

int main(void)
{
    promise_apart("clock_settime: results and errors", results);
    return check_end();
}
