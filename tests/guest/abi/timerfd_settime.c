/* man 2 timerfd_settime */
#include "abi.h"
#include <sys/timerfd.h>

static void results(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = {{0, 1000000}, {0, 1000000}}, old, past = {{0, 0}, {0, 1}};
    uint64_t ticks = 0;

    CHECK_EQ(CALL(timerfd_settime, fd, 0, &soon, NULL), 0);
    sleep_ms(5);
    CHECK(read(fd, &ticks, 8) == 8 && ticks >= 4);
    CHECK_EQ(CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &past, &old), 0);
    CHECK_EQ(old.it_interval.tv_nsec, 1000000);
    CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
}

static void errors(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), file = open("/dev/null", O_RDONLY);
    struct itimerspec set = {{0, 0}, {1, 0}}, wrong = {{0, 0}, {0, 1000000000}};

    CHECK_ERRNO(CALL(timerfd_settime, fd, 0, &wrong, NULL), EINVAL);
    CHECK_ERRNO(CALL(timerfd_settime, fd, 8, &set, NULL), EINVAL);
    CHECK_ERRNO(CALL(timerfd_settime, file, 0, &set, NULL), EINVAL);
    CHECK_ERRNO(CALL(timerfd_settime, BAD_FD, 0, &set, NULL), EBADF);
    CHECK_ERRNO(CALL(timerfd_settime, fd, 0, BAD, NULL), EFAULT);
    CHECK_ERRNO(CALL(timerfd_settime, BAD_FD, 0, &wrong, NULL), EINVAL); /* the time first */
}

int main(void)
{
    promise("timerfd_settime: results", results);
    promise("timerfd_settime: errors", errors);
    return check_end();
}
