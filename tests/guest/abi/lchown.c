/* man 2 lchown */
#include "abi.h"

static void results(void)
{
    struct stat st;

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    CHECK_EQ(CALL(lchown, "link", 7, 8), 0);
    CHECK(lstat("link", &st) == 0 && st.st_uid == 7 && st.st_gid == 8);
    CHECK(stat("link", &st) == 0 && st.st_uid == 0);
    CHECK_ERRNO(CALL(lchown, "absent", 7, 8), ENOENT);
    CHECK_ERRNO(CALL(lchown, BAD, 7, 8), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("lchown changes the link itself", results);
    return check_end();
}
