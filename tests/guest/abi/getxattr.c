/* man 2 getxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8] = "xxxxxxx";

    close(file_with("file", ""));
    if (setxattr("file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(getxattr, "file", "user.a", value, 8), 3);
    CHECK(memcmp(value, "abcx", 4) == 0);
    CHECK_EQ(CALL(getxattr, "file", "user.a", NULL, 0), 3); /* how long is it? */
    CHECK_ERRNO(CALL(getxattr, "file", "user.a", value, 2), ERANGE);
    CHECK_ERRNO(CALL(getxattr, "file", "user.b", value, 8), ENODATA);
    CHECK_ERRNO(CALL(getxattr, "file", "other.a", value, 8), EOPNOTSUPP);
    CHECK_ERRNO(CALL(getxattr, "file", "user.a", BAD, 8), EFAULT);
    CHECK_ERRNO(CALL(getxattr, "absent", "user.a", value, 8), ENOENT);
    CHECK_ERRNO(CALL(getxattr, "file", BAD, value, 8), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("getxattr: results and errors", results);
    return check_end();
}
