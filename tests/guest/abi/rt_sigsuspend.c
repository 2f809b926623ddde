/* man 2 rt_sigsuspend */
#include "abi.h"

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    sigset_t all, none, now;

    signal(SIGUSR1, count);
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    raise(SIGUSR1);
    CHECK_EQ(calls, 0);
    CHECK_ERRNO(CALL(rt_sigsuspend, &none, sizeof(uint64_t)), EINTR);
    CHECK_EQ(calls, 1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1)); /* the old mask is back */
    CHECK_ERRNO(CALL(rt_sigsuspend, &none, 4), EINVAL);
    CHECK_ERRNO(CALL(rt_sigsuspend, BAD, sizeof(uint64_t)), EFAULT);
}

int main(void)
{
    promise_apart("rt_sigsuspend waits with another mask", results);
    return check_end();
}
