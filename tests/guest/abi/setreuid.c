/* man 2 setreuid */
#include "abi.h"

static void saved_follows(void)
{
    CHECK_EQ(CALL(setreuid, -1, -1), 0);
    uids_are(0, 0, 0);
    CHECK_EQ(CALL(setreuid, -1, 500), 0); /* differs from the real one: saved as well */
    uids_are(0, 500, 500);
}

static void real_saves(void)
{
    CHECK_EQ(CALL(setreuid, 500, -1), 0);
    uids_are(500, 0, 0);
}

static void ordinary(void)
{
    CHECK_EQ(CALL(setresuid, 1000, 2000, 3000), 0);
    CHECK_ERRNO(CALL(setreuid, 3000, -1), EPERM); /* not to the saved one */
    CHECK_ERRNO(CALL(setreuid, 4000, -1), EPERM);
    CHECK_ERRNO(CALL(setreuid, -1, 4000), EPERM);
    CHECK_EQ(CALL(setreuid, -1, 3000), 0);
    uids_are(1000, 3000, 3000);
    CHECK_EQ(CALL(setreuid, 3000, 1000), 0); /* exchange */
    uids_are(3000, 1000, 1000);
}

int main(void)
{
    promise_apart("a new effective user is saved", saved_follows);
    promise_apart("a new real user saves the effective one", real_saves);
    promise_apart("others may only exchange", ordinary);
    return check_end();
}
