/* man 2 epoll_pwait */
#include "abi.h"
#include <sys/epoll.h>

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    struct epoll_event got;
    uint64_t blocked = 1ull << (SIGUSR1 - 1), none = 0;
    int ep = epoll_create1(0);

    signal(SIGUSR1, count);
    CHECK_EQ(CALL(epoll_pwait, ep, &got, 1, 1, NULL, 8), 0);
    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8) == 0 && raise(SIGUSR1) == 0);
    CHECK_ERRNO(CALL(epoll_pwait, ep, &got, 1, -1, &none, 8), EINTR);
    CHECK_EQ(calls, 1);
    CHECK_ERRNO(CALL(epoll_pwait, ep, &got, 1, 0, &none, 4), EINVAL);
    CHECK_ERRNO(CALL(epoll_pwait, ep, &got, 1, 0, BAD, 8), EFAULT);
}

int main(void)
{
    promise_apart("epoll_pwait waits with another mask", results);
    return check_end();
}
