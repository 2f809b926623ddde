/* man 2 setxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    static char long_name[300] = "user.";
    char value[8] = "";

    memset(long_name + 5, 'a', 290);
    close(file_with("file", ""));
    if (CALL(setxattr, "file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK(getxattr("file", "user.a", value, 8) == 3 && memcmp(value, "abc", 3) == 0);
    CHECK_ERRNO(CALL(setxattr, "file", "user.a", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERRNO(CALL(setxattr, "file", "user.b", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK_EQ(CALL(setxattr, "file", "user.a", "x", 1, XATTR_REPLACE), 0);
    CHECK_EQ(CALL(setxattr, "file", "user.empty", "", 0, 0), 0);
    CHECK_ERRNO(CALL(setxattr, "file", "user.a", "x", 1, 99), EINVAL);
    CHECK_ERRNO(CALL(setxattr, "file", "other.a", "x", 1, 0), EOPNOTSUPP);
    CHECK_ERRNO(CALL(setxattr, "file", "", "x", 1, 0), ERANGE);
    CHECK_ERRNO(CALL(setxattr, "file", long_name, "x", 1, 0), ERANGE);
    CHECK_ERRNO(CALL(setxattr, "file", "user.a", "x", 65537, 0), E2BIG);
    CHECK_ERRNO(CALL(setxattr, "file", "user.a", BAD, 1, 0), EFAULT);
    CHECK_ERRNO(CALL(setxattr, "file", BAD, "x", 1, 0), EFAULT);
    CHECK_ERRNO(CALL(setxattr, "absent", "user.a", "x", 1, 0), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("setxattr: results and errors", results);
    return check_end();
}
