/* man 2 setgid */
#include "abi.h"

static void privileged(void)
{
    CHECK_EQ(CALL(setgid, 1000), 0);
    gids_are(1000, 1000, 1000);
    CHECK_EQ(CALL(setgid, 0), 0); /* the user is root still */
}

static void ordinary(void)
{
    CHECK_EQ(CALL(setresgid, 1000, 2000, 3000), 0);
    CHECK_EQ(CALL(setresuid, NOBODY, NOBODY, NOBODY), 0);
    CHECK_EQ(CALL(setgid, 3000), 0);
    gids_are(1000, 3000, 3000);
    CHECK_ERRNO(CALL(setgid, 2000), EPERM);
}

static void invalid(void)
{
    CHECK_ERRNO(CALL(setgid, -1), EINVAL);
}

int main(void)
{
    promise_apart("root changes all three groups", privileged);
    promise_apart("others change to the real or saved group", ordinary);
    promise_apart("-1 is no group", invalid);
    return check_end();
}
