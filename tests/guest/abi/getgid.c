/* man 2 getgid */
#include "abi.h"

static void follows_setgid(void)
{
    CHECK_EQ(CALL(setresgid, 100, 200, 300), 0);
    CHECK_EQ(CALL(getgid), 100);
}

int main(void)
{
    promise_apart("getgid is the real group", follows_setgid);
    return check_end();
}
