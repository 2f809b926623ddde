/* man 2 pidfd_getfd */
#include "abi.h"

static void results(void)
{
    int ends[2], pidfd, taken;
    pid_t pid;
    char byte = 0;

    NEED(pipe(ends) == 0 && (pid = start()) >= 0);
    if (pid == 0)
        for (;;)
            pause();
    close(ends[1]);
    NEED((pidfd = CALL(pidfd_open, pid, 0)) >= 0);
    taken = CALL(pidfd_getfd, pidfd, ends[1], 0);
    CHECK(taken >= 0 && fcntl(taken, F_GETFD) == FD_CLOEXEC);
    CHECK(write(taken, "x", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'x');
    CHECK_ERRNO(CALL(pidfd_getfd, pidfd, BAD_FD, 0), EBADF);
    CHECK_ERRNO(CALL(pidfd_getfd, pidfd, 0, 1), EINVAL);
    CHECK_ERRNO(CALL(pidfd_getfd, BAD_FD, 0, 0), EBADF);
    CHECK_ERRNO(CALL(pidfd_getfd, ends[0], 0, 0), EBADF);
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    CHECK_ERRNO(CALL(pidfd_getfd, pidfd, 0, 0), ESRCH);
}

int main(void)
{
    promise("pidfd_getfd: results and errors", results);
    return check_end();
}
