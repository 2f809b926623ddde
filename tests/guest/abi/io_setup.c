/* man 2 io_setup */
#include "abi.h"

static void results(void)
{
    unsigned long context = 0, other = 0, used = 5;

    if (CALL(io_setup, 8, &context) != 0 && errno == ENOSYS)
        SKIP("this Linux has no asynchronous I/O");
    CHECK(context != 0);
    CHECK(CALL(io_setup, 8, &other) == 0 && other != context);
    CHECK_ERRNO(CALL(io_setup, 8, &used), EINVAL); /* must be 0 */
    used = 0;
    CHECK_ERRNO(CALL(io_setup, 0, &used), EINVAL);
    CHECK_ERRNO(CALL(io_setup, 8, BAD), EFAULT);
    CHECK_EQ(CALL(io_destroy, context), 0);
    CHECK_EQ(CALL(io_destroy, other), 0);
}

int main(void)
{
    promise("io_setup: results and errors", results);
    return check_end();
}
