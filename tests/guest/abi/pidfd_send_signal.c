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

static int code_of(int fd, unsigned how)
{
    siginfo_t info = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (CALL(pidfd_send_signal, fd, SIGUSR1, NULL, how) != 0)
        return -1000;
    if (CALL(rt_sigtimedwait, &set, &info, NULL, 8) != SIGUSR1) /* the libc's hides SI_TKILL */
        return -1001;
    return info.si_code;
}

static void scopes(void)
{
    int fd = CALL(pidfd_open, getpid(), 0);
    pid_t pid = start();

    if (pid == 0) {
        setpgid(0, 0);
        fd = CALL(pidfd_open, getpid(), 0);
        _exit(code_of(fd, 4) == SI_USER ? 3 : 4);
    }
    CHECK_EQ(end_of(pid), 3);
    CHECK_EQ(code_of(fd, 1), SI_TKILL);
    CHECK_EQ(code_of(fd, 2), SI_USER);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, 0, NULL, 3), EINVAL);
    CHECK_ERRNO(CALL(pidfd_send_signal, fd, 0, NULL, 6), EINVAL);
}

int main(void)
{
    promise("pidfd_send_signal: one thread, a process, a group", scopes);
    promise("pidfd_send_signal: results and errors", results);
    return check_end();
}
