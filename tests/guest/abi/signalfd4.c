/* man 2 signalfd */
#include "abi.h"
#include <sys/signalfd.h>

static void results(void)
{
    uint64_t set = 1ull << (SIGRTMIN - 1);
    struct signalfd_siginfo info[3];
    union sigval value = {.sival_int = 55};
    int fd;

    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8) == 0);
    NEED((fd = CALL(signalfd4, -1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC)) >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
    sigqueue(getpid(), SIGRTMIN, value);
    sigqueue(getpid(), SIGRTMIN, value);
    CHECK_EQ(read(fd, info, sizeof info), 2 * (int)sizeof info[0]);
    CHECK(info[1].ssi_int == 55 && info[1].ssi_code == SI_QUEUE);
    CHECK_ERRNO(CALL(signalfd4, -1, &set, 8, 1), EINVAL);
    CHECK_ERRNO(CALL(signalfd4, -1, BAD, 8, 1), EFAULT); /* the set comes before the flags */
    CHECK_ERRNO(CALL(signalfd4, -1, BAD, 7, 0), EINVAL);
}

int main(void)
{
    promise_apart("signalfd4: flags and errors", results);
    return check_end();
}
