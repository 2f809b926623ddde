/* man 2 setuid */
#include "abi.h"

static void ids_are(uid_t r, uid_t e, uid_t s)
{
    uid_t real, effective, saved;

    CHECK_EQ(CALL(getresuid, &real, &effective, &saved), 0);
    CHECK_EQ(real, r);
    CHECK_EQ(effective, e);
    CHECK_EQ(saved, s);
}

static void privileged(void)
{
    CHECK_EQ(CALL(setuid, 1000), 0);
    ids_are(1000, 1000, 1000);
    CHECK_ERRNO(CALL(setuid, 0), EPERM);
}

static void ordinary(void)
{
    CHECK_EQ(CALL(setresuid, 1000, 2000, 3000), 0);
    CHECK_EQ(CALL(setuid, 3000), 0);
    ids_are(1000, 3000, 3000);
    CHECK_EQ(CALL(setuid, 1000), 0);
    ids_are(1000, 1000, 3000);
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
