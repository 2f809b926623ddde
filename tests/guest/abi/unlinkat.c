/* man 2 unlinkat */
#include "abi.h"

static void results(void)
{
    int here = open(".", O_RDONLY);

    close(file_with("file", ""));
    NEED(mkdir("dir", 0700) == 0);
    CHECK_ERRNO(CALL(unlinkat, here, "dir", 0), EISDIR);
    CHECK_ERRNO(CALL(unlinkat, here, "file", AT_REMOVEDIR), ENOTDIR);
    CHECK_ERRNO(CALL(unlinkat, here, "file", AT_SYMLINK_NOFOLLOW), EINVAL);
    CHECK_ERRNO(CALL(unlinkat, BAD_FD, "file", 0), EBADF);
    CHECK_EQ(CALL(unlinkat, here, "dir", AT_REMOVEDIR), 0);
    CHECK_EQ(CALL(unlinkat, here, "file", 0), 0);
    CHECK_ERRNO(CALL(unlinkat, here, "file", 0), ENOENT);
    CHECK_ERRNO(CALL(unlinkat, here, ".", AT_REMOVEDIR), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("unlinkat: flags and errors", results);
    return check_end();
}
