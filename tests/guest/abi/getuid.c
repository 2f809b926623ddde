/* man 2 getuid */
#include "abi.h"

static void follows_setuid(void)
{
    CHECK_EQ(CALL(setresuid, 100, 200, 300), 0);
    CHECK_EQ(CALL(getuid), 100);
}

int main(void)
{
    promise_apart("getuid is the real user", follows_setuid);
    return check_end();
}
