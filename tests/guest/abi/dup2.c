/* man 2 dup2 */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "abc"), other = file_with("other", "");
    char byte;

    CHECK_EQ(CALL(dup2, fd, 50), 50);
    CHECK_EQ(read(50, &byte, 1), 1);
    CHECK_EQ(CALL(dup2, fd, other), other); /* closes what was there */
    CHECK(read(other, &byte, 1) == 1 && byte == 'b');
    CHECK_EQ(CALL(dup2, fd, fd), fd);
    CHECK_ERRNO(CALL(dup2, BAD_FD, BAD_FD), EBADF);
    CHECK_ERRNO(CALL(dup2, BAD_FD, fd), EBADF);
    CHECK_EQ(fcntl(fd, F_GETFD), 0); /* still open */
    CHECK_ERRNO(CALL(dup2, fd, -1), EBADF);
    CHECK_ERRNO(CALL(dup2, fd, 1 << 30), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("dup2 takes the place of another", results);
    return check_end();
}
