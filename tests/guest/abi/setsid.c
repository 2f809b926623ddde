/* man 2 setsid */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(setsid), getpid());
    CHECK(getsid(0) == getpid() && getpgrp() == getpid());
    CHECK_ERRNO(CALL(setsid), EPERM);
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO); /* no terminal any more */
}

static void leader_may_not(void)
{
    CHECK_EQ(setpgid(0, 0), 0);
    CHECK_ERRNO(CALL(setsid), EPERM);
}

int main(void)
{
    promise_apart("setsid makes a session without a terminal", results);
    promise_apart("who leads a group may not", leader_may_not);
    return check_end();
}
