/* man 2 setresuid */
#include "abi.h"

static void ids_are(uid_t r, uid_t e, uid_t s)
{
    uid_t real, effective, saved;

    CHECK_EQ(CALL(getresuid, &real, &effective, &saved), 0);
    CHECK_EQ(real, r);
    CHECK_EQ(effective, e);
    CHECK_EQ(saved, s);
}

static void each(void)
{
    CHECK_EQ(CALL(setresuid, -1, -1, -1), 0);
    ids_are(0, 0, 0);
    CHECK_EQ(CALL(setresuid, 1, -1, -1), 0);
    ids_are(1, 0, 0);
    CHECK_EQ(CALL(setresuid, -1, -1, 3), 0);
    ids_are(1, 0, 3);
    CHECK_EQ(CALL(setresuid, -1, 2, -1), 0);
    ids_are(1, 2, 3);
    /* From here any permutation, and nothing else. */
    CHECK_EQ(CALL(setresuid, 2, 3, 1), 0);
    ids_are(2, 3, 1);
    CHECK_ERRNO(CALL(setresuid, 0, -1, -1), EPERM);
    CHECK_ERRNO(CALL(setresuid, -1, 0, -1), EPERM);
    CHECK_ERRNO(CALL(setresuid, -1, -1, 0), EPERM);
    ids_are(2, 3, 1);
}

static void capabilities_go(void)
{
    CHECK_EQ(CALL(setresuid, 1, 1, 1), 0);
    CHECK_ERRNO(CALL(sethostname, "x", 1), EPERM);
    CHECK_ERRNO(CALL(setresgid, 1, 1, 1), EPERM);
}

int main(void)
{
    promise_apart("each user by itself", each);
    promise_apart("the privileges go with the last 0", capabilities_go);
    return check_end();
}
