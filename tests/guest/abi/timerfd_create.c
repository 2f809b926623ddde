/* man 2 timerfd_create */
#include "abi.h"
#include <sys/timerfd.h>

static void results(void)
{
    int fd = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    uint64_t ticks;

    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
    CHECK_ERRNO(read(fd, &ticks, 4), EINVAL);
    CHECK(CALL(timerfd_create, CLOCK_REALTIME, 0) >= 0);
    CHECK(CALL(timerfd_create, CLOCK_BOOTTIME, 0) >= 0);
    CHECK_ERRNO(CALL(timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    CHECK_ERRNO(CALL(timerfd_create, CLOCK_MONOTONIC, 1), EINVAL);
}

int main(void)
{
    promise("timerfd_create: results and errors", results);
    return check_end();
}
