/* man 2 pipe2 */
#include "abi.h"

static void flags(void)
{
    int ends[2];
    char text[16];

    NEED(CALL(pipe2, ends, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[1], F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(read(ends[0], text, 1), EAGAIN);
    NEED(CALL(pipe2, ends, O_DIRECT) == 0); /* packets */
    CHECK(write(ends[1], "abc", 3) == 3 && write(ends[1], "de", 2) == 2);
    CHECK_EQ(read(ends[0], text, 16), 3);
    CHECK_EQ(read(ends[0], text, 1), 1); /* the rest of the packet is lost */
    CHECK_ERRNO(CALL(pipe2, ends, O_APPEND), EINVAL);
    if (CALL(pipe2, ends, O_EXCL) != 0) /* a notification pipe */
        CHECK_EQ(errno, ENOPKG);
    CHECK_ERRNO(CALL(pipe2, BAD, 0), EFAULT);
}

int main(void)
{
    promise("pipe2: flags", flags);
    return check_end();
}
