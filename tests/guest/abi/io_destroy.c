/* man 2 io_destroy */
#include "abi.h"

static void results(void)
{
    unsigned long context = 0;

    if (CALL(io_setup, 8, &context) != 0 && errno == ENOSYS)
        SKIP("this Linux has no asynchronous I/O");
    CHECK_EQ(CALL(io_destroy, context), 0);
    CHECK_ERRNO(CALL(io_destroy, context), EINVAL);
    CHECK_ERRNO(CALL(io_destroy, 0), EINVAL);
}

int main(void)
{
    promise("io_destroy: results and errors", results);
    return check_end();
}
