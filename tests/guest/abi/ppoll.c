/* man 2 ppoll */
#include "abi.h"
#include <poll.h>

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    int ends[2];
    NEED(pipe(ends) == 0);
    struct pollfd fd = {ends[0], POLLIN, 0};
    struct timespec soon = {0, 1000000}, wrong = {0, 1000000000};
    uint64_t blocked = 1ull << (SIGUSR1 - 1), none = 0;

    CHECK_EQ(CALL(ppoll, &fd, 1, &soon, NULL, 8), 0);
    CHECK(soon.tv_sec == 0 && soon.tv_nsec == 0); /* what is left is written back */
    CHECK_ERRNO(CALL(ppoll, &fd, 1, &wrong, NULL, 8), EINVAL);
    CHECK_ERRNO(CALL(ppoll, &fd, 1, BAD, NULL, 8), EFAULT);
    CHECK_ERRNO(CALL(ppoll, &fd, 1, NULL, &none, 4), EINVAL);
    signal(SIGUSR1, count);
    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8) == 0 && raise(SIGUSR1) == 0);
    CHECK_EQ(calls, 0);
    CHECK_ERRNO(CALL(ppoll, &fd, 1, NULL, &none, 8), EINTR);
    CHECK_EQ(calls, 1);
}

int main(void)
{
    promise_apart("ppoll: results and errors", results);
    return check_end();
}
