/* man 2 lstat */
#include "abi.h"

static void results(void)
{
    struct stat st;

    NEED(symlink("target", "link") == 0 && mkdir("dir", 0700) == 0);
    NEED(symlink("dir", "to-dir") == 0);
    CHECK_EQ(CALL(lstat, "link", &st), 0);
    CHECK(S_ISLNK(st.st_mode) && st.st_size == 6);
    CHECK_EQ(CALL(lstat, "to-dir/", &st), 0); /* the slash asks for the folder */
    CHECK(S_ISDIR(st.st_mode));
    CHECK_ERRNO(CALL(lstat, "absent", &st), ENOENT);
    CHECK_ERRNO(CALL(lstat, BAD, &st), EFAULT);
    CHECK_ERRNO(CALL(lstat, "link", BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("lstat tells of the link itself", results);
    return check_end();
}
