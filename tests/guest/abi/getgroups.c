/* man 2 getgroups */
#include "abi.h"

static void results(void)
{
    gid_t set[3] = {5, 3, 4}, got[4] = {0, 0, 0, 77};

    CHECK_EQ(CALL(setgroups, 3, set), 0);
    CHECK_EQ(CALL(getgroups, 0, NULL), 3);
    CHECK_EQ(CALL(getgroups, 4, got), 3);
    CHECK(got[0] + got[1] + got[2] == 12 && got[3] == 77);
    CHECK_ERRNO(CALL(getgroups, 2, got), EINVAL);
    CHECK_ERRNO(CALL(getgroups, -1, got), EINVAL);
    CHECK_ERRNO(CALL(getgroups, 3, BAD), EFAULT);
}

int main(void)
{
    promise_apart("getgroups gives the supplementary groups", results);
    return check_end();
}
