/* man 2 rt_sigtimedwait */
#include "abi.h"

enum { SET = sizeof(uint64_t) };

static void results(void)
{
    uint64_t set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN - 1);
    struct timespec none = {0, 0}, wrong = {0, 1000000000}, soon = {0, 1000000};
    siginfo_t info;
    union sigval value = {.sival_int = 77};

    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, SET) == 0);
    CHECK_ERRNO(CALL(rt_sigtimedwait, &set, &info, &none, SET), EAGAIN);
    CHECK_ERRNO(CALL(rt_sigtimedwait, &set, &info, &soon, SET), EAGAIN);
    sigqueue(getpid(), SIGRTMIN, value);
    raise(SIGUSR1);
    CHECK_EQ(CALL(rt_sigtimedwait, &set, &info, NULL, SET), SIGUSR1); /* the lowest first */
    CHECK(info.si_signo == SIGUSR1 && info.si_pid == getpid());
    CHECK_EQ(CALL(rt_sigtimedwait, &set, &info, &none, SET), SIGRTMIN);
    CHECK(info.si_code == SI_QUEUE && info.si_value.sival_int == 77);
    raise(SIGUSR1);
    CHECK_EQ(CALL(rt_sigtimedwait, &set, NULL, NULL, SET), SIGUSR1);
    CHECK_ERRNO(CALL(rt_sigtimedwait, &set, &info, &wrong, SET), EINVAL);
    CHECK_ERRNO(CALL(rt_sigtimedwait, &set, &info, NULL, 4), EINVAL);
    CHECK_ERRNO(CALL(rt_sigtimedwait, BAD, &info, NULL, SET), EFAULT);
    CHECK_ERRNO(CALL(rt_sigtimedwait, &set, &info, BAD, SET), EFAULT);
}

int main(void)
{
    promise_apart("rt_sigtimedwait: results and errors", results);
    return check_end();
}
