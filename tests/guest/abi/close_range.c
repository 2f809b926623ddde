/* man 2 close_range */
#include "abi.h"
#include <linux/close_range.h>

static void results(void)
{
    for (int i = 0; i < 6; i++)
        NEED(dup2(1, 100 + i) == 100 + i);
    CHECK_EQ(CALL(close_range, 101, 103, 0), 0);
    CHECK(fcntl(100, F_GETFD) == 0 && fcntl(104, F_GETFD) == 0);
    CHECK_ERRNO(fcntl(101, F_GETFD), EBADF);
    CHECK_ERRNO(fcntl(103, F_GETFD), EBADF);
    CHECK_EQ(CALL(close_range, 104, ~0u, CLOSE_RANGE_CLOEXEC), 0);
    CHECK(fcntl(104, F_GETFD) == FD_CLOEXEC && fcntl(105, F_GETFD) == FD_CLOEXEC);
    CHECK_EQ(CALL(close_range, 100, ~0u, CLOSE_RANGE_UNSHARE), 0);
    CHECK_ERRNO(fcntl(105, F_GETFD), EBADF);
    CHECK_ERRNO(CALL(close_range, 5, 4, 0), EINVAL);
    CHECK_ERRNO(CALL(close_range, 200, 300, 1), EINVAL);
}

int main(void)
{
    promise("close_range: flags and errors", results);
    return check_end();
}
