/* man 2 rt_sigpending */
#include "abi.h"

static void results(void)
{
    sigset_t set;
    uint64_t pending = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(CALL(rt_sigpending, &pending, sizeof pending) == 0 && pending == 0);
    raise(SIGUSR1);
    kill(getpid(), SIGRTMIN);
    CHECK_EQ(CALL(rt_sigpending, &pending, sizeof pending), 0);
    CHECK_EQ(pending, 1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN - 1));
    CHECK_ERRNO(CALL(rt_sigpending, &pending, 16), EINVAL);
    CHECK_ERRNO(CALL(rt_sigpending, BAD, sizeof pending), EFAULT);
    pid_t pid = start();
    if (pid == 0) {
        CHILD_NEED(CALL(rt_sigpending, &pending, sizeof pending) == 0 && pending == 0);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0); /* a child starts without */
}

int main(void)
{
    promise_apart("rt_sigpending: results and errors", results);
    return check_end();
}
