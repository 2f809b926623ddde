/* man 2 setregid */
#include "abi.h"

static void saved_follows(void)
{
    CHECK_EQ(CALL(setresgid, 0, 0, 0), 0);
    CHECK_EQ(CALL(setregid, -1, -1), 0);
    gids_are(0, 0, 0);
    CHECK_EQ(CALL(setregid, -1, 500), 0);
    gids_are(0, 500, 500);
    CHECK_EQ(CALL(setregid, 600, -1), 0);
    gids_are(600, 500, 500);
}

static void ordinary(void)
{
    CHECK_EQ(CALL(setresgid, 1000, 2000, 3000), 0);
    CHECK_EQ(CALL(setresuid, NOBODY, NOBODY, NOBODY), 0);
    CHECK_ERRNO(CALL(setregid, 3000, -1), EPERM);
    CHECK_ERRNO(CALL(setregid, -1, 4000), EPERM);
    CHECK_EQ(CALL(setregid, 2000, 1000), 0);
    gids_are(2000, 1000, 1000);
}

int main(void)
{
    promise_apart("a new effective group is saved", saved_follows);
    promise_apart("others may only exchange", ordinary);
    return check_end();
}
