/* man 2 getitimer */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct itimerval now, set = {{7, 5}, {1000, 0}};

    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        CHECK(CALL(getitimer, which, &now) == 0 && now.it_value.tv_sec == 0);
        CHECK_EQ(setitimer(which, &set, NULL), 0);
        CHECK_EQ(CALL(getitimer, which, &now), 0);
        CHECK(now.it_value.tv_sec >= 900 && now.it_value.tv_sec <= 1000);
        CHECK(now.it_interval.tv_sec == 7);
    }
    CHECK_ERRNO(CALL(getitimer, 3, &now), EINVAL);
    CHECK_ERRNO(CALL(getitimer, ITIMER_REAL, BAD), EFAULT);
}

int main(void)
{
    promise_apart("getitimer: results and errors", results);
    return check_end();
}
