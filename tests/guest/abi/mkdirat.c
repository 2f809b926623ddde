/* man 2 mkdirat */
#include "abi.h"

static void results(void)
{
    NEED(mkdir("dir", 0700) == 0);
    int dir = open("dir", O_PATH), fd = file_with("file", "");

    CHECK_EQ(CALL(mkdirat, dir, "sub", 0700), 0);
    CHECK_EQ(access("dir/sub", X_OK), 0);
    CHECK_ERRNO(CALL(mkdirat, dir, "sub", 0700), EEXIST);
    CHECK_ERRNO(CALL(mkdirat, BAD_FD, "sub", 0700), EBADF);
    CHECK_ERRNO(CALL(mkdirat, fd, "sub", 0700), ENOTDIR);
    CHECK_EQ(CALL(mkdirat, AT_FDCWD, "here", 0700), 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("mkdirat: results and errors", results);
    return check_end();
}
