/* man 2 rt_sigprocmask */
#include "abi.h"

enum { SET = sizeof(uint64_t) };

static void results(void)
{
    uint64_t set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGKILL - 1), old = 0;

    CHECK_EQ(CALL(rt_sigprocmask, SIG_SETMASK, &set, NULL, SET), 0);
    set = 1ull << (SIGUSR2 - 1);
    CHECK_EQ(CALL(rt_sigprocmask, SIG_BLOCK, &set, &old, SET), 0);
    CHECK_EQ(old, 1ull << (SIGUSR1 - 1)); /* SIGKILL cannot be blocked */
    CHECK_EQ(raise(SIGUSR2), 0);
    CHECK_EQ(CALL(rt_sigprocmask, 99, NULL, &old, SET), 0); /* how does not count without a set */
    CHECK_EQ(old, 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1));
    signal(SIGUSR2, SIG_IGN);
    CHECK_EQ(CALL(rt_sigprocmask, SIG_UNBLOCK, &set, NULL, SET), 0);
    CHECK_EQ(CALL(rt_sigprocmask, SIG_BLOCK, NULL, &old, SET), 0);
    CHECK_EQ(old, 1ull << (SIGUSR1 - 1));
}

static void errors(void)
{
    uint64_t set = 0;

    CHECK_ERRNO(CALL(rt_sigprocmask, 99, &set, NULL, SET), EINVAL);
    CHECK_ERRNO(CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
    CHECK_ERRNO(CALL(rt_sigprocmask, SIG_BLOCK, BAD, NULL, SET), EFAULT);
    CHECK_ERRNO(CALL(rt_sigprocmask, SIG_BLOCK, NULL, BAD, SET), EFAULT);
}

int main(void)
{
    promise_apart("rt_sigprocmask: results", results);
    promise_apart("rt_sigprocmask: errors", errors);
    return check_end();
}
