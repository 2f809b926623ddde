/* man 2 clock_getres */
#include "abi.h"

static void results(void)
{
    struct timespec ts;

    CHECK_EQ(CALL(clock_getres, CLOCK_MONOTONIC, &ts), 0);
    CHECK(ts.tv_sec == 0 && ts.tv_nsec == 1);
    CHECK_EQ(CALL(clock_getres, CLOCK_REALTIME_COARSE, &ts), 0);
    CHECK(ts.tv_sec == 0 && ts.tv_nsec >= 1000000); /* a tick */
    CHECK_EQ(CALL(clock_getres, CLOCK_THREAD_CPUTIME_ID, &ts), 0);
    CHECK_EQ(CALL(clock_getres, CLOCK_MONOTONIC, NULL), 0);
    CHECK_ERRNO(CALL(clock_getres, 99, &ts), EINVAL);
    CHECK_ERRNO(CALL(clock_getres, CLOCK_MONOTONIC, BAD), EFAULT);
}

int main(void)
{
    promise("clock_getres: results and errors", results);
    return check_end();
}
