/* man 2 pread */
#include "abi.h"

static void results(void)
{
    char text[8] = "xxxxxxx";
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(pread64, fd, text, 3, 5), 3);
    CHECK(memcmp(text, "567x", 4) == 0);
    CHECK_EQ(CALL(pread64, fd, text, 8, 8), 2);
    CHECK_EQ(CALL(pread64, fd, text, 8, 10), 0);
    CHECK_EQ(CALL(pread64, fd, text, 8, 1l << 40), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0); /* the position stays */
    CHECK_ERRNO(CALL(pread64, fd, text, 8, -1l), EINVAL);
    CHECK_ERRNO(CALL(pread64, fd, BAD, 8, 0), EFAULT);
    CHECK_ERRNO(CALL(pread64, BAD_FD, text, 8, 0), EBADF);
    CHECK_ERRNO(CALL(pread64, open("file", O_WRONLY), text, 8, 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(pread64, ends[0], text, 8, 0), ESPIPE);
    CHECK_ERRNO(CALL(pread64, ends[1], text, 8, 0),
                ESPIPE); /* before it is looked how it is open */
    CHECK_ERRNO(CALL(pread64, fd, text, 8, INT64_MAX - 7), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("pread reads at a place", results);
    return check_end();
}
