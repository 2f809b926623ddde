/* man 2 setresgid */
#include "abi.h"

static void each(void)
{
    CHECK_EQ(CALL(setresgid, 1, 2, 3), 0);
    gids_are(1, 2, 3);
    CHECK_EQ(CALL(setresgid, -1, -1, -1), 0);
    gids_are(1, 2, 3);
    CHECK_EQ(CALL(setresuid, NOBODY, NOBODY, NOBODY), 0);
    CHECK_EQ(CALL(setresgid, 3, 1, 2), 0);
    gids_are(3, 1, 2);
    CHECK_ERRNO(CALL(setresgid, 0, -1, -1), EPERM);
    CHECK_ERRNO(CALL(setresgid, -1, 0, -1), EPERM);
    CHECK_ERRNO(CALL(setresgid, -1, -1, 0), EPERM);
}

int main(void)
{
    promise_apart("each group by itself, and any permutation without privilege", each);
    return check_end();
}
