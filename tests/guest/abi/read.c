/* man 2 read */
#include "abi.h"

static void results(void)
{
    char text[16] = "xxxxxxxxxxxxxxx";
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(read, fd, text, 4), 4);
    CHECK(memcmp(text, "0123x", 5) == 0);
    CHECK_EQ(CALL(read, fd, text, sizeof text), 6); /* what is left */
    CHECK_EQ(CALL(read, fd, text, sizeof text), 0); /* the end */
    lseek(fd, 0, SEEK_SET);
    CHECK_EQ(CALL(read, fd, text, 0), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

static void errors(void)
{
    char text[4];
    int fd = file_with("file", "0123456789");

    CHECK_ERRNO(CALL(read, BAD_FD, text, 4), EBADF);
    CHECK_ERRNO(CALL(read, -1, text, 4), EBADF);
    CHECK_ERRNO(CALL(read, open("file", O_WRONLY), text, 4), EBADF);
    CHECK_ERRNO(CALL(read, open("file", O_PATH), text, 4), EBADF);
    CHECK_ERRNO(CALL(read, open(".", O_RDONLY), text, 4), EISDIR);
    CHECK_ERRNO(CALL(read, fd, BAD, 4), EFAULT);
    CHECK_ERRNO(CALL(read, fd, KERNEL, 4), EFAULT);
    CHECK_ERRNO(CALL(read, fd, text, -1), EFAULT);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

static void pipes(void)
{
    int ends[2];
    char text[4];

    NEED(pipe2(ends, O_NONBLOCK) == 0);
    CHECK_ERRNO(CALL(read, ends[0], text, 4), EAGAIN);
    CHECK_EQ(write(ends[1], "ab", 2), 2);
    CHECK_EQ(CALL(read, ends[0], text, 4), 2);
    close(ends[1]);
    CHECK_EQ(CALL(read, ends[0], text, 4), 0);
}

static void up_to_a_hole(void)
{
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(read, fd, edge() - 4, 10), 4); /* what fits before the fault */
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
}

int main(void)
{
    enter_fresh_dir();
    promise("read: results", results);
    promise("read: errors", errors);
    promise("read of a pipe", pipes);
    promise("read stops where memory ends", up_to_a_hole);
    return check_end();
}
