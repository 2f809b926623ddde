/* man 2 getpriority: the call returns 20 - nice, so that no error hides in it. */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK_EQ(CALL(getpriority, PRIO_PROCESS, 0), 15);
    CHECK_EQ(CALL(getpriority, PRIO_PROCESS, getpid()), 15);
    CHECK_EQ(setpgid(0, 0), 0);
    CHECK_EQ(CALL(getpriority, PRIO_PGRP, 0), 15);
    CHECK_EQ(CALL(getpriority, PRIO_PGRP, getpid()), 15);
    CHECK(CALL(getpriority, PRIO_USER, 0) >= 15); /* the best of all */
    CHECK_ERRNO(CALL(getpriority, 3, 0), EINVAL);
    CHECK_ERRNO(CALL(getpriority, PRIO_PROCESS, 0x3ffffff), ESRCH);
    CHECK_ERRNO(CALL(getpriority, PRIO_USER, 4242), ESRCH);
}

int main(void)
{
    promise_apart("getpriority: results and errors", results);
    return check_end();
}
