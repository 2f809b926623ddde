/* man 2 link */
#include "abi.h"

static void results(void)
{
    struct stat a, b;

    close(file_with("a", "abc"));
    CHECK_EQ(CALL(link, "a", "b"), 0);
    CHECK(stat("a", &a) == 0 && stat("b", &b) == 0 && a.st_ino == b.st_ino && a.st_nlink == 2);
    NEED(symlink("a", "sym") == 0 && mkdir("dir", 0700) == 0);
    CHECK_EQ(CALL(link, "sym", "sym2"), 0); /* the link itself */
    CHECK(lstat("sym2", &b) == 0 && S_ISLNK(b.st_mode) && b.st_nlink == 2);
    CHECK_ERRNO(CALL(link, "a", "b"), EEXIST);
    CHECK_ERRNO(CALL(link, "dir", "dir2"), EPERM);
    CHECK_ERRNO(CALL(link, "absent", "c"), ENOENT);
    CHECK_ERRNO(CALL(link, "a", "absent/c"), ENOENT);
    CHECK_ERRNO(CALL(link, "a", "/dev/shm/c"), EXDEV);
    CHECK_ERRNO(CALL(link, BAD, "c"), EFAULT);
    CHECK_ERRNO(CALL(link, "a", BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("link: results and errors", results);
    return check_end();
}
