/* man 2 process_mrelease (Linux's Documentation and mm/oom_kill.c: there is no page yet) */
#include "ptrace.h"

static int stay(void)
{
    while (getppid() != 0)
        pause();
    return 0;
}

static void a_dying_process(void)
{
    pid_t pid = start_child(stay);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    long result;

    CHECK_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_process_mrelease, 0, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL); /* it is not about to die */
    kill(pid, SIGKILL);
    result = syscall(SYS_process_mrelease, fd, 0);
    CHECK(result == 0 || errno == ESRCH); /* perhaps it is gone */
    CHECK(WIFSIGNALED(next_status(pid)));
    CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), ESRCH);
    close(fd);
}

int main(void)
{
    promise("only who is dying gives up memory", a_dying_process);
    return check_end();
}
