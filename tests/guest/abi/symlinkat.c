/* man 2 symlinkat */
#include "abi.h"

static void results(void)
{
    NEED(mkdir("dir", 0700) == 0);
    int dir = open("dir", O_PATH), fd = file_with("file", "");

    CHECK_EQ(CALL(symlinkat, "../file", dir, "link"), 0);
    CHECK_EQ(access("dir/link", F_OK), 0);
    CHECK_ERRNO(CALL(symlinkat, "x", dir, "link"), EEXIST);
    CHECK_ERRNO(CALL(symlinkat, "x", BAD_FD, "y"), EBADF);
    CHECK_ERRNO(CALL(symlinkat, "x", fd, "y"), ENOTDIR);
}

int main(void)
{
    enter_fresh_dir();
    promise("symlinkat: results and errors", results);
    return check_end();
}
