/* man 2 symlink */
#include "abi.h"

static void results(void)
{
    char text[16];
    struct stat st;

    CHECK_EQ(CALL(symlink, "any/text at all", "link"), 0);
    CHECK(readlink("link", text, sizeof text) == 15 && memcmp(text, "any/text at all", 15) == 0);
    CHECK(lstat("link", &st) == 0 && (st.st_mode & 07777) == 0777);
    CHECK_ERRNO(CALL(symlink, "x", "link"), EEXIST);
    CHECK_ERRNO(CALL(symlink, "", "new"), ENOENT);
    CHECK_ERRNO(CALL(symlink, "x", ""), ENOENT);
    CHECK_ERRNO(CALL(symlink, "x", "absent/y"), ENOENT);
    CHECK_ERRNO(CALL(symlink, BAD, "new"), EFAULT);
    CHECK_ERRNO(CALL(symlink, "x", BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("symlink: results and errors", results);
    return check_end();
}
