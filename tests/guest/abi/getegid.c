/* man 2 getegid */
#include "abi.h"

static void follows_setgid(void)
{
    CHECK_EQ(CALL(setresgid, 100, 200, 300), 0);
    CHECK_EQ(CALL(getegid), 200);
}

int main(void)
{
    promise_apart("getegid is the effective group", follows_setgid);
    return check_end();
}
