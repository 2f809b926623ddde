/* man 2 fstat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "abc"), ends[2];

    CHECK_EQ(CALL(fstat, fd, &st), 0);
    CHECK(S_ISREG(st.st_mode) && st.st_size == 3);
    unlink("file");
    CHECK(CALL(fstat, fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 3);
    NEED(pipe(ends) == 0);
    CHECK(CALL(fstat, ends[0], &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK(CALL(fstat, open(".", O_PATH), &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERRNO(CALL(fstat, BAD_FD, &st), EBADF);
    CHECK_ERRNO(CALL(fstat, fd, BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("fstat tells of what is open", results);
    return check_end();
}
