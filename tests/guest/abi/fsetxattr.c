/* man 2 fsetxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];
    int fd = file_with("file", "");

    if (CALL(fsetxattr, fd, "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(getxattr("file", "user.a", value, 8), 3);
    CHECK_ERRNO(CALL(fsetxattr, BAD_FD, "user.a", "x", 1, 0), EBADF);
    CHECK_ERRNO(CALL(fsetxattr, open("file", O_PATH), "user.a", "x", 1, 0), EBADF);
    CHECK_ERRNO(CALL(fsetxattr, fd, "user.a", "x", 1, XATTR_CREATE), EEXIST);
}

int main(void)
{
    enter_fresh_dir();
    promise("fsetxattr: results and errors", results);
    return check_end();
}
