/* man 2 iopl */
#include "abi.h"

static void results(void)
{
    if (CALL(iopl, 0) != 0 && errno == ENOSYS)
        SKIP("this Linux is built without it");
    CHECK_ERRNO(CALL(iopl, 4), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(iopl, 3), EPERM);
    CHECK_EQ(CALL(iopl, 0), 0);
}

int main(void)
{
    promise_apart("iopl: results and errors", results);
    return check_end();
}
