/* man 2 setuid */
#include "abi.h"

static void privileged(void)
{
    CHECK_EQ(CALL(setuid, 1000), 0);
    uids_are(1000, 1000, 1000);
    CHECK_ERRNO(CALL(setuid, 0), EPERM);
}

static void ordinary(void)
{
    CHECK_EQ(CALL(setresuid, 1000, 2000, 3000), 0);
    CHECK_EQ(CALL(setuid, 3000), 0);
    uids_are(1000, 3000, 3000);
    CHECK_EQ(CALL(setuid, 1000), 0);
    uids_are(1000, 1000, 3000);
    CHECK_ERRNO(CALL(setuid, 2000), EPERM);
}

static void invalid(void)
{
    CHECK_ERRNO(CALL(setuid, -1), EINVAL);
}

int main(void)
{
    promise_apart("root gives up all three users", privileged);
    promise_apart("others change to the real or saved user", ordinary);
    promise_apart("-1 is no user", invalid);
    return check_end();
}
