/* man 2 fchdir */
#include "abi.h"

static void results(void)
{
    int here = open(".", O_PATH), fd = file_with("file", "");

    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(CALL(fchdir, here), 0);
    CHECK_EQ(access("file", F_OK), 0);
    CHECK_ERRNO(CALL(fchdir, fd), ENOTDIR);
    CHECK_ERRNO(CALL(fchdir, BAD_FD), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fchdir: results and errors", results);
    return check_end();
}
