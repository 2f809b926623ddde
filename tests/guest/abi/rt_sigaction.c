/* man 2 rt_sigaction */
#include "abi.h"

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
enum { SET = sizeof(uint64_t) };

static void results(void)
{
    struct kernel_action act = {.handler = SIG_IGN, .flags = SA_RESTART, .mask = 1 << 3}, old;

    CHECK_EQ(CALL(rt_sigaction, SIGUSR1, &act, NULL, SET), 0);
    memset(&old, 0xff, sizeof old);
    CHECK_EQ(CALL(rt_sigaction, SIGUSR1, NULL, &old, SET), 0);
    CHECK(old.handler == SIG_IGN && old.flags & SA_RESTART && old.mask == 1 << 3);
    CHECK_EQ(raise(SIGUSR1), 0);
    act.mask = ~0ull;
    CHECK_EQ(CALL(rt_sigaction, SIGUSR1, &act, &old, SET), 0);
    CHECK_EQ(CALL(rt_sigaction, SIGUSR1, NULL, &old, SET), 0);
    CHECK(!(old.mask & 1ull << (SIGKILL - 1)) && !(old.mask & 1ull << (SIGSTOP - 1)));
}

static void errors(void)
{
    struct kernel_action act = {.handler = SIG_IGN}, old;

    CHECK_ERRNO(CALL(rt_sigaction, SIGKILL, &act, NULL, SET), EINVAL);
    CHECK_ERRNO(CALL(rt_sigaction, SIGSTOP, &act, NULL, SET), EINVAL);
    CHECK_EQ(CALL(rt_sigaction, SIGKILL, NULL, &old, SET), 0);
    CHECK_ERRNO(CALL(rt_sigaction, 0, &act, NULL, SET), EINVAL);
    CHECK_ERRNO(CALL(rt_sigaction, 65, &act, NULL, SET), EINVAL);
    CHECK_EQ(CALL(rt_sigaction, 64, &act, NULL, SET), 0);
    CHECK_ERRNO(CALL(rt_sigaction, SIGUSR1, &act, NULL, 4), EINVAL);
    CHECK_ERRNO(CALL(rt_sigaction, SIGUSR1, BAD, NULL, SET), EFAULT);
    CHECK_ERRNO(CALL(rt_sigaction, SIGUSR1, NULL, BAD, SET), EFAULT);
}

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void once(void)
{
    struct sigaction act = {.sa_handler = count, .sa_flags = SA_RESETHAND};

    CHECK_EQ(sigaction(SIGUSR2, &act, NULL), 0);
    raise(SIGUSR2);
    CHECK_EQ(calls, 1);
    CHECK_EQ(sigaction(SIGUSR2, NULL, &act), 0);
    CHECK(act.sa_handler == SIG_DFL);
}

int main(void)
{
    promise_apart("rt_sigaction: results", results);
    promise_apart("rt_sigaction: errors", errors);
    promise_apart("SA_RESETHAND", once);
    return check_end();
}
