/* man 2 fgetxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];
    int fd = file_with("file", "");

    if (setxattr("file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(fgetxattr, fd, "user.a", value, 8), 3);
    CHECK_ERRNO(CALL(fgetxattr, fd, "user.b", value, 8), ENODATA);
    CHECK_ERRNO(CALL(fgetxattr, BAD_FD, "user.a", value, 8), EBADF);
    CHECK_ERRNO(CALL(fgetxattr, open("file", O_PATH), "user.a", value, 8), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fgetxattr: results and errors", results);
    return check_end();
}
