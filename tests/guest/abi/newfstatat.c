/* man 2 newfstatat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "abc"), here = open(".", O_PATH);

    NEED(symlink("file", "link") == 0);
    CHECK(CALL(newfstatat, here, "link", &st, 0) == 0 && S_ISREG(st.st_mode));
    CHECK(CALL(newfstatat, here, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
    CHECK(CALL(newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_size == 3);
    CHECK(CALL(newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode));
    CHECK(CALL(newfstatat, fd, NULL, &st, AT_EMPTY_PATH) == 0 && st.st_size == 3);
    CHECK(CALL(newfstatat, AT_FDCWD, NULL, &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERRNO(CALL(newfstatat, AT_FDCWD, NULL, &st, 0), EFAULT);
    CHECK_ERRNO(CALL(newfstatat, -7, NULL, &st, AT_EMPTY_PATH), EBADF);
    CHECK_EQ(CALL(newfstatat, here, "file", &st, AT_NO_AUTOMOUNT), 0);
    CHECK_ERRNO(CALL(newfstatat, fd, "", &st, 0), ENOENT);
    CHECK_ERRNO(CALL(newfstatat, fd, "x", &st, 0), ENOTDIR);
    CHECK_ERRNO(CALL(newfstatat, BAD_FD, "file", &st, 0), EBADF);
    CHECK_ERRNO(CALL(newfstatat, here, "file", &st, 1), EINVAL);
    CHECK_ERRNO(CALL(newfstatat, here, "file", BAD, 0), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("newfstatat: flags and errors", results);
    return check_end();
}
