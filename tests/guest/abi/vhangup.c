/* man 2 vhangup: in a session without a terminal there is nothing to hang up. */
#include "abi.h"

static void results(void)
{
    NEED(setsid() > 0);
    CHECK_EQ(CALL(vhangup), 0);
    become_nobody();
    CHECK_ERRNO(CALL(vhangup), EPERM);
}

int main(void)
{
    promise_apart("vhangup: results and errors", results);
    return check_end();
}
