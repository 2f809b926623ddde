/* man 2 dup3 */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "abc");

    CHECK_EQ(CALL(dup3, fd, 60, O_CLOEXEC), 60);
    CHECK_EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(CALL(dup3, fd, 60, 0), 60);
    CHECK_EQ(fcntl(60, F_GETFD), 0);
    CHECK_ERRNO(CALL(dup3, fd, fd, 0), EINVAL);
    CHECK_ERRNO(CALL(dup3, fd, 61, O_NONBLOCK), EINVAL);
    CHECK_ERRNO(CALL(dup3, BAD_FD, 61, 0), EBADF);
    CHECK_ERRNO(CALL(dup3, fd, -1, 0), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("dup3: flags and errors", results);
    return check_end();
}
