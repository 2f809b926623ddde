/* man 2 linkat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("a", "abc");

    NEED(symlink("a", "sym") == 0);
    CHECK_EQ(CALL(linkat, AT_FDCWD, "sym", AT_FDCWD, "b", AT_SYMLINK_FOLLOW), 0);
    CHECK(lstat("b", &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 2);
    CHECK_EQ(CALL(linkat, fd, "", AT_FDCWD, "c", AT_EMPTY_PATH), 0); /* CAP_DAC_READ_SEARCH */
    CHECK_ERRNO(CALL(linkat, fd, "", AT_FDCWD, "d", 0), ENOENT);
    CHECK_ERRNO(CALL(linkat, AT_FDCWD, "a", AT_FDCWD, "d", 1), EINVAL);
    CHECK_ERRNO(CALL(linkat, BAD_FD, "a", AT_FDCWD, "d", 0), EBADF);
    CHECK_ERRNO(CALL(linkat, fd, "a", AT_FDCWD, "d", 0), ENOTDIR);
}

static void gives_a_name(void)
{
    struct stat st;
    char path[40];
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    NEED(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_EQ(CALL(linkat, AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK(stat("named", &st) == 0 && st.st_nlink == 1);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CHECK_ERRNO(CALL(linkat, fd, "", AT_FDCWD, "never", AT_EMPTY_PATH), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("linkat: flags and errors", results);
    promise("linkat gives an unnamed file a name", gives_a_name);
    return check_end();
}
