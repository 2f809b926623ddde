/* man 2 timer_gettime */
#include "abi.h"

static void results(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec set = {{7, 5}, {1000, 0}}, now;
    int id;

    NEED(CALL(timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    CHECK(CALL(timer_gettime, id, &now) == 0 && now.it_value.tv_sec == 0);
    NEED(CALL(timer_settime, id, 0, &set, NULL) == 0);
    CHECK_EQ(CALL(timer_gettime, id, &now), 0);
    CHECK(now.it_interval.tv_sec == 7 && now.it_interval.tv_nsec == 5);
    CHECK(now.it_value.tv_sec >= 900 && now.it_value.tv_sec <= 1000);
    CHECK_ERRNO(CALL(timer_gettime, 12345, &now), EINVAL);
    CHECK_ERRNO(CALL(timer_gettime, id, BAD), EFAULT);
}

int main(void)
{
    promise_apart("timer_gettime: results and errors", results);
    return check_end();
}
