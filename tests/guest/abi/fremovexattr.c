/* man 2 fremovexattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    int fd = file_with("file", "");

    if (fsetxattr(fd, "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(fremovexattr, fd, "user.a"), 0);
    CHECK_ERRNO(CALL(fremovexattr, fd, "user.a"), ENODATA);
    CHECK_ERRNO(CALL(fremovexattr, BAD_FD, "user.a"), EBADF);
    CHECK_ERRNO(CALL(fremovexattr, fd, "user."), EINVAL);
    NEED(mkfifo("fifo", 0600) == 0);
    fd = open("fifo", O_RDWR); /* what may have none is looked at before the name */
    CHECK_ERRNO(CALL(fremovexattr, fd, "user."), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("fremovexattr: results and errors", results);
    return check_end();
}
