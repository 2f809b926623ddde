/* man 2 geteuid */
#include "abi.h"

static void follows_setuid(void)
{
    CHECK_EQ(CALL(setresuid, 100, 200, 300), 0);
    CHECK_EQ(CALL(geteuid), 200);
}

int main(void)
{
    promise_apart("geteuid is the effective user", follows_setuid);
    return check_end();
}
