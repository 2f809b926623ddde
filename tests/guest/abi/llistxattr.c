/* man 2 llistxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char list[200];

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    if (setxattr("file", "user.abi", "1", 1, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    long of_file = CALL(llistxattr, "file", list, sizeof list);
    CHECK(of_file >= 9);
    CHECK_EQ(CALL(llistxattr, "link", list, sizeof list), of_file - 9);
    CHECK_ERRNO(CALL(llistxattr, "absent", list, sizeof list), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("llistxattr lists those of the link itself", results);
    return check_end();
}
