/* man 2 flistxattr */
#include "abi.h"
#include <sys/xattr.h>

static void results(void)
{
    char list[200];
    int fd = file_with("file", "");
    long before = CALL(flistxattr, fd, list, sizeof list);

    if (fsetxattr(fd, "user.abi", "1", 1, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    CHECK_EQ(CALL(flistxattr, fd, list, sizeof list), before + 9);
    CHECK_ERRNO(CALL(flistxattr, BAD_FD, list, sizeof list), EBADF);
    CHECK_ERRNO(CALL(flistxattr, open("file", O_PATH), list, sizeof list), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("flistxattr: results and errors", results);
    return check_end();
}
