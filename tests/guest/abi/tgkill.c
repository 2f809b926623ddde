/* man 2 tgkill */
#include "abi.h"

static void results(void)
{
    pid_t pid = getpid(), tid = CALL(gettid);

    NEED(look_at_signal(SIGUSR1));
    CHECK_EQ(CALL(tgkill, pid, tid, SIGUSR1), 0);
    CHECK(signal_seen.si_code == SI_TKILL && signal_seen.si_pid == pid);
    CHECK_ERRNO(CALL(tgkill, getppid(), tid, SIGUSR1), ESRCH); /* not a thread of that process */
    CHECK_ERRNO(CALL(tgkill, 0, tid, SIGUSR1), EINVAL);
    CHECK_ERRNO(CALL(tgkill, pid, 0, SIGUSR1), EINVAL);
    CHECK_ERRNO(CALL(tgkill, pid, tid, 65), EINVAL);
}

int main(void)
{
    promise_apart("tgkill: results and errors", results);
    return check_end();
}
