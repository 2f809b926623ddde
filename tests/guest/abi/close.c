/* man 2 close */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "abc"), twin = dup(fd);
    char byte;

    CHECK_EQ(CALL(close, fd), 0);
    CHECK_ERRNO(CALL(close, fd), EBADF);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK_EQ(read(twin, &byte, 1), 1);    /* the other one stays */
    CHECK_EQ(open("file", O_RDONLY), fd); /* the lowest number is free again */
    CHECK_ERRNO(CALL(close, -1), EBADF);
    CHECK_ERRNO(CALL(close, BAD_FD), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("close gives the number back", results);
    return check_end();
}
