/* man 2 clock_nanosleep: the call returns -1 and errno, libc's function the error. */
#include "abi.h"

static void results(void)
{
    struct timespec time = {0, 1000000}, now;

    CHECK_EQ(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL), 0);
    CHECK_EQ(CALL(clock_nanosleep, CLOCK_REALTIME, 0, &time, NULL), 0);
    CHECK_EQ(CALL(clock_nanosleep, CLOCK_BOOTTIME, 0, &time, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t until = now.tv_sec * 1000000000ll + now.tv_nsec + 2000000;
    time = (struct timespec){until / 1000000000, until % 1000000000};
    CHECK_EQ(CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL), 0);
    CHECK(now_ns() >= until);
    CHECK_EQ(CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL), 0); /* past */
}

static void errors(void)
{
    struct timespec time = {0, 1000000000};

    CHECK_ERRNO(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL), EINVAL);
    time.tv_nsec = 1;
    CHECK_ERRNO(CALL(clock_nanosleep, 99, 0, &time, NULL), EINVAL);
    CHECK_ERRNO(CALL(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL), EOPNOTSUPP);
    CHECK_ERRNO(CALL(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &time, NULL), EOPNOTSUPP);
    CHECK_ERRNO(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL), EFAULT);
}

int main(void)
{
    promise("clock_nanosleep: results", results);
    promise("clock_nanosleep: errors", errors);
    return check_end();
}
