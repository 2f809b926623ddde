/* man 2 fchownat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "");

    NEED(symlink("file", "link") == 0);
    CHECK_EQ(CALL(fchownat, AT_FDCWD, "link", 1, 2, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(lstat("link", &st) == 0 && st.st_uid == 1 && stat("link", &st) == 0 && st.st_uid == 0);
    CHECK_EQ(CALL(fchownat, AT_FDCWD, "link", 3, 4, 0), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_uid == 3 && st.st_gid == 4);
    CHECK_EQ(CALL(fchownat, fd, "", 5, -1, AT_EMPTY_PATH), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_uid == 5 && st.st_gid == 4);
    CHECK_ERRNO(CALL(fchownat, fd, "", 5, 6, 0), ENOENT);
    CHECK_ERRNO(CALL(fchownat, AT_FDCWD, "file", 5, 6, 1), EINVAL);
    CHECK_ERRNO(CALL(fchownat, BAD_FD, "file", 5, 6, 0), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fchownat: flags and errors", results);
    return check_end();
}
