/* man 2 openat */
#include "abi.h"

static void results(void)
{
    NEED(mkdir("dir", 0700) == 0);
    int dir = open("dir", O_PATH), fd;

    CHECK((fd = CALL(openat, dir, "file", O_CREAT | O_RDWR, 0600)) >= 0);
    CHECK_EQ(access("dir/file", F_OK), 0);
    CHECK_ERRNO(CALL(openat, fd, "x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(CALL(openat, BAD_FD, "x", O_RDONLY), EBADF);
    CHECK(CALL(openat, BAD_FD, "/", O_RDONLY) >= 0);
    CHECK(CALL(openat, AT_FDCWD, "dir/file", O_RDONLY) >= 0);
    CHECK(CALL(openat, dir, "..", O_RDONLY | O_DIRECTORY) >= 0);
    CHECK_ERRNO(CALL(openat, dir, "", O_RDONLY), ENOENT);
    CHECK_ERRNO(CALL(openat, dir, BAD, O_RDONLY), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("openat: results and errors", results);
    return check_end();
}
