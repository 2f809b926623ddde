/* man 2 fchown */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "");

    CHECK_EQ(CALL(fchown, fd, 5, 6), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_uid == 5 && st.st_gid == 6);
    CHECK_EQ(CALL(fchown, fd, -1, -1), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_uid == 5 && st.st_gid == 6);
    NEED(fchmod(fd, 06755) == 0);
    CHECK_EQ(CALL(fchown, fd, -1, -1), 0); /* nobody else's, but no set-id bits */
    CHECK(fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0755));
    CHECK_ERRNO(CALL(fchown, BAD_FD, 5, 6), EBADF);
    CHECK_ERRNO(CALL(fchown, open("file", O_PATH), 5, 6), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fchown: results and errors", results);
    return check_end();
}
