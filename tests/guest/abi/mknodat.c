/* man 2 mknodat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int here = open(".", O_PATH);

    CHECK_EQ(CALL(mknodat, here, "fifo", S_IFIFO | 0600, 0), 0);
    CHECK(stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK_ERRNO(CALL(mknodat, here, "fifo", S_IFIFO | 0600, 0), EEXIST);
    CHECK_ERRNO(CALL(mknodat, BAD_FD, "x", S_IFIFO | 0600, 0), EBADF);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(mknodat, open("file", O_RDONLY), "x", S_IFIFO | 0600, 0), ENOTDIR);
}

int main(void)
{
    enter_fresh_dir();
    promise("mknodat: results and errors", results);
    return check_end();
}
