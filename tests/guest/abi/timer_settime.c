/* man 2 timer_settime */
#include "abi.h"

static void results(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec set = {{7, 0}, {1000, 0}}, old, off = {{0, 0}, {0, 0}};
    int id;

    NEED(CALL(timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    CHECK_EQ(CALL(timer_settime, id, 0, &set, &old), 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    CHECK_EQ(CALL(timer_settime, id, TIMER_ABSTIME, &off, &old), 0);
    CHECK(old.it_interval.tv_sec == 7 && old.it_value.tv_sec >= 900);
    set.it_value.tv_nsec = 1000000000;
    CHECK_ERRNO(CALL(timer_settime, id, 0, &set, NULL), EINVAL);
    CHECK_ERRNO(CALL(timer_settime, 12345, 0, &off, NULL), EINVAL);
    CHECK_ERRNO(CALL(timer_settime, id, 0, NULL, NULL), EINVAL);
    CHECK_ERRNO(CALL(timer_settime, id, 0, BAD, NULL), EFAULT);
}

int main(void)
{
    promise_apart("timer_settime: results and errors", results);
    return check_end();
}
