/* man 2 lseek */
#include "abi.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

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
    CHECK_ERRNO(CALL(lseek, fd, INT64_MAX, SEEK_END), EINVAL);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_CUR), 1010); /* as it was */
    CHECK_EQ(CALL(lseek, dup(fd), 7, SEEK_SET), 7);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_CUR), 7); /* shared with the duplicate */
}

static void holes(void)
{
    char shm[64];
    int fd;

    snprintf(shm, sizeof shm, "/dev/shm/abi-lseek-%d", getpid());
    fd = file_with(shm, "");
    NEED(ftruncate(fd, 1 << 20) == 0 && pwrite(fd, "x", 1, 512 << 10) == 1);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_DATA), 512 << 10);
    CHECK_EQ(CALL(lseek, fd, 512 << 10, SEEK_HOLE), (512 << 10) + 4096);
    CHECK_EQ(CALL(lseek, fd, 0, SEEK_HOLE), 0);
    CHECK_ERRNO(CALL(lseek, fd, 600 << 10, SEEK_DATA), ENXIO);
    CHECK_ERRNO(CALL(lseek, fd, 1 << 20, SEEK_HOLE), ENXIO);
    unlink(shm);
}

static void errors(void)
{
    int ends[2];

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(lseek, ends[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(CALL(lseek, BAD_FD, 0, SEEK_CUR), EBADF);
    CHECK_ERRNO(CALL(lseek, open(".", O_PATH), 0, SEEK_CUR), EBADF);
}

/* The position of these is 0 whatever one asks for; there is nothing to pread. */
static void nowhere(void)
{
    sigset_t none;
    char byte;

    sigemptyset(&none);
    const int fds[] = {eventfd(0, 0), epoll_create1(0), timerfd_create(CLOCK_MONOTONIC, 0),
                       signalfd(-1, &none, 0)};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(CALL(lseek, fds[i], 0, SEEK_CUR), 0);
        CHECK_EQ(CALL(lseek, fds[i], 77, SEEK_SET), 0);
        CHECK_EQ(CALL(lseek, fds[i], 0, SEEK_END), 0);
        CHECK_ERRNO(CALL(lseek, fds[i], 0, 5), EINVAL);
        CHECK_ERRNO(CALL(pread64, fds[i], &byte, 1, 0), ESPIPE);
        close(fds[i]);
    }
}

int main(void)
{
    enter_fresh_dir();
    promise("lseek: results", results);
    promise("lseek finds data and holes", holes);
    promise("lseek: errors", errors);
    promise("lseek of files without a position gives 0", nowhere);
    return check_end();
}
