/* man 2 fcntl */
#include "abi.h"
#include <sys/resource.h>

static void descriptors(void)
{
    int fd = file_with("file", "0123456789"), copy = CALL(fcntl, fd, F_DUPFD, 70);

    CHECK(copy >= 70 && CALL(fcntl, copy, F_GETFD) == 0);
    copy = CALL(fcntl, fd, F_DUPFD_CLOEXEC, 80);
    CHECK(copy >= 80 && CALL(fcntl, copy, F_GETFD) == FD_CLOEXEC);
    CHECK_EQ(CALL(fcntl, copy, F_SETFD, 0), 0);
    CHECK_EQ(CALL(fcntl, copy, F_GETFD), 0);
    CHECK_EQ(CALL(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT | O_WRONLY), 0);
    CHECK_EQ(CALL(fcntl, copy, F_GETFL) & ~0100000, O_RDWR | O_APPEND | O_NONBLOCK);
    CHECK_ERRNO(CALL(fcntl, fd, F_DUPFD, -1), EINVAL);
    CHECK_ERRNO(CALL(fcntl, fd, F_DUPFD, 1 << 30), EINVAL);
    CHECK_ERRNO(CALL(fcntl, fd, 9999), EINVAL);
    CHECK_ERRNO(CALL(fcntl, open("/dev/null", O_RDWR), F_SETFL, O_DIRECT), EINVAL);
    CHECK_ERRNO(CALL(fcntl, BAD_FD, F_GETFD), EBADF);
    CHECK_ERRNO(CALL(fcntl, open("file", O_PATH), F_SETFL, 0), EBADF);
}

static void locks(void)
{
    int fd = open("file", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    struct flock wrong = {.l_type = 77}, before = {.l_type = F_RDLCK, .l_start = -5};
    pid_t pid;

    CHECK_EQ(CALL(fcntl, fd, F_SETLK, &lock), 0);
    NEED((pid = start()) >= 0);
    if (pid == 0) {
        struct flock mine = {.l_type = F_RDLCK, .l_start = 4, .l_len = 1};

        CHILD_NEED(CALL(fcntl, fd, F_SETLK, &mine) == -1 && errno == EAGAIN);
        CHILD_NEED(CALL(fcntl, fd, F_GETLK, &mine) == 0 && mine.l_type == F_WRLCK);
        CHILD_NEED(mine.l_start == 2 && mine.l_len == 3 && mine.l_pid == getppid());
        mine = (struct flock){.l_type = F_WRLCK, .l_start = 5, .l_len = 1};
        CHILD_NEED(CALL(fcntl, fd, F_SETLK, &mine) == 0);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_ERRNO(CALL(fcntl, fd, F_SETLK, &wrong), EINVAL);
    CHECK_ERRNO(CALL(fcntl, fd, F_SETLK, &before), EINVAL);
    CHECK_ERRNO(CALL(fcntl, fd, F_SETLK, BAD), EFAULT);
    CHECK_ERRNO(CALL(fcntl, open("file", O_RDONLY), F_SETLK, &lock), EBADF);
    wrong.l_start = 1, wrong.l_len = INT64_MAX;
    lseek(fd, 1, SEEK_SET);
    wrong.l_whence = SEEK_CUR;
    CHECK_ERRNO(CALL(fcntl, fd, F_SETLK, &wrong), EOVERFLOW); /* the range before the type */
    int ends[2];
    NEED(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    CHECK_ERRNO(CALL(fcntl, ends[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
    CHECK_ERRNO(CALL(fcntl, ends[0], F_ADD_SEALS, F_SEAL_GROW), EPERM);
    lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = INT64_MAX};
    CHECK_EQ(CALL(fcntl, ends[0], F_SETLK, &lock), 0); /* a pipe's position is 0 */
}

static void ofd_locks(void)
{
    int a = open("file", O_RDWR), b = open("file", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1}, same = lock;

    CHECK_EQ(CALL(fcntl, a, F_OFD_SETLK, &lock), 0);
    CHECK_ERRNO(CALL(fcntl, b, F_OFD_SETLK, &same), EAGAIN); /* even in one process */
    CHECK(CALL(fcntl, b, F_OFD_GETLK, &same) == 0 && same.l_type == F_WRLCK && same.l_pid == -1);
    close(a);
    CHECK_EQ(CALL(fcntl, b, F_OFD_SETLK, &lock), 0);
    lock.l_pid = 1;
    CHECK_ERRNO(CALL(fcntl, b, F_OFD_SETLK, &lock), EINVAL);
    close(b);
}

static void deadlock(void)
{
    int fd = open("file", O_RDWR);
    struct flock first = {.l_type = F_WRLCK, .l_len = 1}, second = first;
    pid_t pid;

    second.l_start = 1;
    NEED(CALL(fcntl, fd, F_SETLK, &first) == 0 && (pid = start()) >= 0);
    if (pid == 0) {
        CHILD_NEED(CALL(fcntl, fd, F_SETLK, &second) == 0);
        _exit(CALL(fcntl, fd, F_SETLKW, &first) == 0 ? 0 : 1);
    }
    CHECK(comes_to(pid, 'S'));
    CHECK_ERRNO(CALL(fcntl, fd, F_SETLKW, &second), EDEADLK);
    first.l_type = F_UNLCK;
    CHECK_EQ(CALL(fcntl, fd, F_SETLK, &first), 0);
    CHECK_EQ(end_of(pid), 0);
}

static void pipes(void)
{
    int ends[2];

    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(fcntl, ends[0], F_GETPIPE_SZ), 65536);
    CHECK_EQ(CALL(fcntl, ends[0], F_SETPIPE_SZ, 5000), 8192);
    CHECK_EQ(CALL(fcntl, ends[1], F_GETPIPE_SZ), 8192);
    CHECK_ERRNO(CALL(fcntl, ends[0], F_SETPIPE_SZ, -1), EINVAL);
    CHECK_ERRNO(CALL(fcntl, open("file", O_RDWR), F_GETPIPE_SZ), EBADF);
    CHECK_EQ(CALL(fcntl, ends[0], F_SETOWN, getpid()), 0);
    CHECK_EQ(CALL(fcntl, ends[0], F_GETOWN), getpid());
    CHECK_EQ(CALL(fcntl, ends[0], F_SETSIG, SIGUSR1), 0);
    CHECK_EQ(CALL(fcntl, ends[0], F_GETSIG), SIGUSR1);
    CHECK_ERRNO(CALL(fcntl, ends[0], F_SETSIG, 99), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("fcntl: descriptors and flags", descriptors);
    promise("fcntl: locks of processes", locks);
    promise("fcntl: locks of open files", ofd_locks);
    promise("fcntl finds deadlocks", deadlock);
    promise("fcntl: pipes and owners", pipes);
    return check_end();
}
