/* man 2 clock_adjtime */
#include "abi.h"
#include <sys/timex.h>

static void results(void)
{
    struct timex tx = {0}, wrong = {.modes = ADJ_TICK, .tick = 1};

    CHECK(CALL(clock_adjtime, CLOCK_REALTIME, &tx) >= 0 && tx.tick >= 9000 && tx.tick <= 11000);
    CHECK_ERRNO(CALL(clock_adjtime, CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
    CHECK_ERRNO(CALL(clock_adjtime, 99, &tx), EINVAL);
    CHECK_ERRNO(CALL(clock_adjtime, CLOCK_REALTIME, BAD), EFAULT);
    CHECK(CALL(clock_adjtime, CLOCK_REALTIME, &wrong) == -1 && (errno == EINVAL || errno == EPERM));
    become_nobody();
    tx.modes = ADJ_FREQUENCY;
    CHECK_ERRNO(CALL(clock_adjtime, CLOCK_REALTIME, &tx), EPERM);
}

int main(void)
{
    promise_apart("clock_adjtime: results and errors", results);
    return check_end();
}
