/* man 2 timer_delete */
#include "abi.h"

static void results(void)
{
    struct itimerspec now;
    int id;

    NEED(CALL(timer_create, CLOCK_MONOTONIC, NULL, &id) == 0);
    CHECK_EQ(CALL(timer_delete, id), 0);
    CHECK_ERRNO(CALL(timer_delete, id), EINVAL);
    CHECK_ERRNO(CALL(timer_gettime, id, &now), EINVAL);
    CHECK_ERRNO(CALL(timer_delete, -1), EINVAL);
}

int main(void)
{
    promise_apart("timer_delete: results and errors", results);
    return check_end();
}
