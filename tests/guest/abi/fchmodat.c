/* man 2 fchmodat: the call itself has no flags. */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int here = open(".", O_PATH);

    close(file_with("file", ""));
    CHECK_EQ(CALL(fchmodat, here, "file", 0640), 0);
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 0640));
    CHECK_ERRNO(CALL(fchmodat, here, "absent", 0640), ENOENT);
    CHECK_ERRNO(CALL(fchmodat, BAD_FD, "file", 0640), EBADF);
    CHECK_ERRNO(CALL(fchmodat, open("file", O_RDONLY), "x", 0640), ENOTDIR);
    CHECK_ERRNO(CALL(fchmodat, here, BAD, 0640), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("fchmodat: results and errors", results);
    return check_end();
}
