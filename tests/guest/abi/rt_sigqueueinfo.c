/* man 2 rt_sigqueueinfo */
#include "abi.h"

static void results(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};

    NEED(look_at_signal(SIGRTMIN + 1));
    info.si_pid = 5;
    info.si_uid = 6;
    info.si_value.sival_ptr = &info;
    CHECK_EQ(CALL(rt_sigqueueinfo, getpid(), SIGRTMIN + 1, &info), 0);
    CHECK(signal_seen.si_signo == SIGRTMIN + 1 && signal_seen.si_code == SI_QUEUE);
    CHECK(signal_seen.si_pid == 5 && signal_seen.si_uid == 6 &&
          signal_seen.si_value.sival_ptr == &info);
    CHECK_ERRNO(CALL(rt_sigqueueinfo, 0x3ffffff, SIGUSR1, &info), ESRCH);
    CHECK_ERRNO(CALL(rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
    CHECK_ERRNO(CALL(rt_sigqueueinfo, getpid(), SIGUSR1, BAD), EFAULT);
    CHECK_EQ(CALL(rt_sigqueueinfo, getpid(), 0, &info), 0);
    info.si_code = SI_USER; /* what only the kernel may say, but to oneself */
    CHECK_ERRNO(CALL(rt_sigqueueinfo, getppid(), SIGCONT, &info), EPERM);
    CHECK_EQ(CALL(rt_sigqueueinfo, getpid(), SIGRTMIN + 1, &info), 0);
}

int main(void)
{
    promise_apart("rt_sigqueueinfo: results and errors", results);
    return check_end();
}
