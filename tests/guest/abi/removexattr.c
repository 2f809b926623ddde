/* man 2 removexattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];

    close(file_with("file", ""));
    if (setxattr("file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(removexattr, "file", "user.a"), 0);
    CHECK_ERRNO(getxattr("file", "user.a", value, 8), ENODATA);
    CHECK_ERRNO(CALL(removexattr, "file", "user.a"), ENODATA);
    CHECK_ERRNO(CALL(removexattr, "file", "other.a"), EOPNOTSUPP);
    CHECK_ERRNO(CALL(removexattr, "absent", "user.a"), ENOENT);
    CHECK_ERRNO(CALL(removexattr, "file", BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("removexattr: results and errors", results);
    return check_end();
}
