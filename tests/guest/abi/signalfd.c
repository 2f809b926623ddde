/* man 2 signalfd: the call without flags. */
#include "abi.h"
#include <sys/signalfd.h>

static void results(void)
{
    uint64_t set = 1ull << (SIGUSR1 - 1);
    struct signalfd_siginfo info;
    int fd;

    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8) == 0);
    NEED((fd = CALL(signalfd, -1, &set, 8)) >= 0);
    raise(SIGUSR1);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid());
    CHECK_ERRNO(read(fd, &info, 10), EINVAL);
    CHECK_EQ(CALL(signalfd, fd, &set, 8), fd); /* another set for the same one */
    CHECK_ERRNO(CALL(signalfd, 1, &set, 8), EINVAL);
    CHECK_ERRNO(CALL(signalfd, BAD_FD, &set, 8), EBADF);
    CHECK_ERRNO(CALL(signalfd, -1, &set, 4), EINVAL);
    CHECK_ERRNO(CALL(signalfd, -1, BAD, 8), EFAULT);
}

int main(void)
{
    promise_apart("signalfd: results and errors", results);
    return check_end();
}
