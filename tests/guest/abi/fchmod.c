/* man 2 fchmod */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "");

    CHECK_EQ(CALL(fchmod, fd, 0421), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0421));
    CHECK_ERRNO(CALL(fchmod, BAD_FD, 0600), EBADF);
    CHECK_ERRNO(CALL(fchmod, open("file", O_PATH), 0600), EBADF);
    int ends[2];
    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(fchmod, ends[1], 0421), 0); /* a pipe has a mode, too */
    CHECK(fstat(ends[0], &st) == 0 && st.st_mode == (S_IFIFO | 0421));
    become_nobody();
    CHECK_ERRNO(CALL(fchmod, fd, 0600), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("fchmod: results and errors", results);
    return check_end();
}
