/* man 2 lremovexattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char value[8];

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    if (lsetxattr("link", "trusted.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    NEED(setxattr("file", "trusted.a", "abc", 3, 0) == 0);
    CHECK_EQ(CALL(lremovexattr, "link", "trusted.a"), 0);
    CHECK_ERRNO(CALL(lremovexattr, "link", "trusted.a"), ENODATA);
    CHECK_EQ(getxattr("file", "trusted.a", value, 8), 3);
}

int main(void)
{
    enter_fresh_dir();
    promise("lremovexattr removes that of the link itself", results);
    return check_end();
}
