/* man 2 pidfd_open */
#include "abi.h"
#include <poll.h>

static void results(void)
{
    pid_t pid = start();
    int fd;

    if (pid == 0)
        for (;;)
            pause();
    NEED((fd = CALL(pidfd_open, pid, 0)) >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct pollfd poll_fd = {fd, POLLIN, 0};
    CHECK_EQ(poll(&poll_fd, 1, 0), 0);
    kill(pid, SIGKILL);
    CHECK_EQ(poll(&poll_fd, 1, -1), 1); /* it ended */
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    CHECK_ERRNO(CALL(pidfd_open, pid, 0), ESRCH);
    CHECK_ERRNO(CALL(pidfd_open, -1, 0), EINVAL);
    CHECK_ERRNO(CALL(pidfd_open, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(pidfd_open, getpid(), 1), EINVAL);
    CHECK(CALL(pidfd_open, getpid(), O_NONBLOCK) >= 0);
}

int main(void)
{
    promise("pidfd_open: results and errors", results);
    return check_end();
}
