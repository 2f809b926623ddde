/* man 2 lsetxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    if (CALL(lsetxattr, "link", "trusted.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(lgetxattr("link", "trusted.a", value, 8), 3);
    CHECK_ERRNO(getxattr("file", "trusted.a", value, 8), ENODATA);
    CHECK_ERRNO(CALL(lsetxattr, "link", "user.a", "x", 1, 0), EPERM); /* files and folders only */
    CHECK_ERRNO(CALL(lsetxattr, "absent", "user.a", "x", 1, 0), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("lsetxattr sets at the link itself", results);
    return check_end();
}
