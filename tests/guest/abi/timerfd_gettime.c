/* man 2 timerfd_gettime */
#include "abi.h"
#include <sys/timerfd.h>

static void results(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec set = {{5, 0}, {1000, 0}}, now;

    CHECK(CALL(timerfd_gettime, fd, &now) == 0 && now.it_value.tv_sec == 0);
    NEED(timerfd_settime(fd, 0, &set, NULL) == 0);
    CHECK_EQ(CALL(timerfd_gettime, fd, &now), 0);
    CHECK(now.it_interval.tv_sec == 5 && now.it_value.tv_sec >= 900 && now.it_value.tv_sec < 1001);
    CHECK_ERRNO(CALL(timerfd_gettime, BAD_FD, &now), EBADF);
    CHECK_ERRNO(CALL(timerfd_gettime, open("/dev/null", O_RDONLY), &now), EINVAL);
    CHECK_ERRNO(CALL(timerfd_gettime, fd, BAD), EFAULT);
}

int main(void)
{
    promise("timerfd_gettime: results and errors", results);
    return check_end();
}
