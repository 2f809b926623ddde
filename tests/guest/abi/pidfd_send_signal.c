/* man 2 pidfd_send_signal */
#include "abi.h"

static void results(void)
{
    pid_t pid = start();
    siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_QUEUE};
    int fd;

    if (pid == 0)
        for (;;)
            pause();
    NEED((fd = CALL(pidfd_open, pid, 0)) >= 0);
    CHECK_EQ(CALL(pidfd_send_signal, fd, 0, NULL, 0), 0);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, 65, NULL, 0), EINVAL);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, SIGTERM, NULL, 1 << 10), EINVAL);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, SIGUSR1, &info, 0), EINVAL); /* they differ */
    CHECK_ERRNO(CALL(pidfd_send_signal, BAD_FD, SIGTERM, NULL, 0), EBADF);
    CHECK_ERRNO(CALL(pidfd_send_signal, open("/dev/null", O_RDONLY), SIGTERM, NULL, 0), EBADF);
    CHECK_EQ(CALL(pidfd_send_signal, fd, SIGTERM, &info, 0), 0);
    CHECK_EQ(end_of(pid), 1000 + SIGTERM);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, SIGTERM, NULL, 0), ESRCH);
}

int main(void)
{
    promise("pidfd_send_signal: results and errors", results);
    return check_end();
}
