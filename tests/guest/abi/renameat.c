/* man 2 renameat */
#include "abi.h"

static void results(void)
{
    NEED(mkdir("one", 0700) == 0 && mkdir("two", 0700) == 0);
    int one = open("one", O_RDONLY), two = open("two", O_PATH), fd = file_with("one/a", "");

    CHECK_EQ(CALL(renameat, one, "a", two, "b"), 0);
    CHECK_EQ(access("two/b", F_OK), 0);
    CHECK_EQ(CALL(renameat, two, "b", AT_FDCWD, "c"), 0);
    CHECK_ERRNO(CALL(renameat, BAD_FD, "a", two, "b"), EBADF);
    CHECK_ERRNO(CALL(renameat, AT_FDCWD, "c", BAD_FD, "b"), EBADF);
    CHECK_ERRNO(CALL(renameat, fd, "a", two, "b"), ENOTDIR);
    CHECK_ERRNO(CALL(renameat, one, "a", two, "b"), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("renameat: results and errors", results);
    return check_end();
}
