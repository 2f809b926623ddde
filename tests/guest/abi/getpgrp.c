/* man 2 getpgrp */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(setpgid, 0, 0), 0);
    CHECK_EQ(CALL(getpgrp), getpid());
}

int main(void)
{
    promise_apart("getpgrp gives the own group", results);
    return check_end();
}
