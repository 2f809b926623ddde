/* man 2 rt_tgsigqueueinfo */
#include "abi.h"

static void results(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    pid_t pid = getpid(), tid = CALL(gettid);

    NEED(look_at_signal(SIGUSR1));
    info.si_value.sival_int = 9;
    CHECK_EQ(CALL(rt_tgsigqueueinfo, pid, tid, SIGUSR1, &info), 0);
    CHECK(signal_seen.si_signo == SIGUSR1 && signal_seen.si_value.sival_int == 9);
    CHECK_ERRNO(CALL(rt_tgsigqueueinfo, 0, tid, SIGUSR1, &info), EINVAL);
    CHECK_ERRNO(CALL(rt_tgsigqueueinfo, pid, -1, SIGUSR1, &info), EINVAL);
    CHECK_ERRNO(CALL(rt_tgsigqueueinfo, getppid(), tid, SIGUSR1, &info), ESRCH);
    CHECK_ERRNO(CALL(rt_tgsigqueueinfo, pid, tid, 65, &info), EINVAL);
    CHECK_ERRNO(CALL(rt_tgsigqueueinfo, pid, tid, SIGUSR1, BAD), EFAULT);
}

int main(void)
{
    promise_apart("rt_tgsigqueueinfo: results and errors", results);
    return check_end();
}
