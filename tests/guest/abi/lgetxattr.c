/* man 2 lgetxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    if (setxattr("file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(lgetxattr, "file", "user.a", value, 8), 3);
    CHECK(CALL(lgetxattr, "link", "user.a", value, 8) == -1 &&
          (errno == ENODATA || errno == EPERM));
    CHECK_ERRNO(CALL(lgetxattr, "absent", "user.a", value, 8), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("lgetxattr asks the link itself", results);
    return check_end();
}
