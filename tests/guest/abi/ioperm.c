/* man 2 ioperm */
#include "abi.h"

static void results(void)
{
    if (CALL(ioperm, 0x80, 1, 0) != 0 && errno == ENOSYS)
        SKIP("this Linux is built without it");
    CHECK_ERRNO(CALL(ioperm, 65536, 1, 0), EINVAL);
    CHECK_ERRNO(CALL(ioperm, 0x80, -1, 0), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(ioperm, 0x80, 1, 1), EPERM);
}

int main(void)
{
    promise_apart("ioperm: results and errors", results);
    return check_end();
}
