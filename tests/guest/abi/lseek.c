/* man 2 lseek */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(lseek, fd, 3, SEEK_SET), 3);
    CHECK_EQ(CALL(lseek, fd, 2, SEEK_CUR), 5);
    CHECK_EQ(CALL(lseek, fd, -1, SEEK_CUR), 4);
    CHECK_EQ(CALL(lseek, fd, -2, SEEK_END), 8);
    CHECK_EQ(CALL(lseek, fd, 1000, SEEK_END), 1010); /* beyond is fine */
    CHECK_ERRNO(CALL(lseek, fd, -11, SEEK_END), EINVAL);
    CHECK_ERRNO(CALL(lseek, fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(CALL(lseek, fd, 0, 99), EINVAL);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_CUR), 1010); /* as it was */
    CHECK_EQ(CALL(lseek, dup(fd), 7, SEEK_SET), 7);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_CUR), 7); /* shared with the duplicate */
}

static void holes(void)
{
    int fd = file_with("/dev/shm/abi-lseek", "");

    NEED(ftruncate(fd, 1 << 20) == 0 && pwrite(fd, "x", 1, 512 << 10) == 1);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_DATA), 512 << 10);
    CHECK_EQ(CALL(lseek, fd, 512 << 10, SEEK_HOLE), (512 << 10) + 4096);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_HOLE), 0);
    CHECK_ERRNO(CALL(lseek, fd, 600 << 10, SEEK_DATA), ENXIO);
    CHECK_ERRNO(CALL(lseek, fd, 1 << 20, SEEK_HOLE), ENXIO);
    unlink("/dev/shm/abi-lseek");
}

static void errors(void)
{
    int ends[2];

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(lseek, ends[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(CALL(lseek, BAD_FD, 0, SEEK_CUR), EBADF);
    CHECK_ERRNO(CALL(lseek, open(".", O_PATH), 0, SEEK_CUR), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("lseek: results", results);
    promise("lseek finds data and holes", holes);
    promise("lseek: errors", errors);
    return check_end();
}
