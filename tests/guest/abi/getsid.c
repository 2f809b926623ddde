/* man 2 getsid */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(getsid, 0), CALL(getsid, getpid()));
    CHECK_ERRNO(CALL(getsid, 0x3ffffff), ESRCH);
    CHECK_ERRNO(CALL(getsid, -1), ESRCH);
    CHECK_EQ(setsid(), getpid());
    CHECK_EQ(CALL(getsid, 0), getpid());
    CHECK(CALL(getsid, getppid()) != getpid());
}

int main(void)
{
    promise_apart("getsid gives the session of any process", results);
    return check_end();
}
