/* man 2 pwrite */
#include "abi.h"

static void results(void)
{
    char text[16];
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(pwrite64, fd, "ab", 2, 4), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_EQ(pread(fd, text, 16, 0), 10);
    CHECK(memcmp(text, "0123ab6789", 10) == 0);
    CHECK_EQ(CALL(pwrite64, fd, "z", 1, 12), 1);
    CHECK_EQ(pread(fd, text, 16, 0), 13);
    int end = open("file", O_WRONLY | O_APPEND);
    CHECK_EQ(CALL(pwrite64, end, "E", 1, 0), 1); /* BUGS in the page: it appends */
    CHECK_EQ(pread(fd, text, 16, 0), 14);
    CHECK(text[0] == '0' && text[13] == 'E');
    CHECK_ERRNO(CALL(pwrite64, fd, "a", 1, -1l), EINVAL);
    CHECK_ERRNO(CALL(pwrite64, fd, BAD, 1, 0), EFAULT);
    CHECK_ERRNO(CALL(pwrite64, open("file", O_RDONLY), "a", 1, 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(pwrite64, ends[1], "a", 1, 0), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("pwrite writes at a place", results);
    return check_end();
}
