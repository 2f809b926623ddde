/* man 2 tgkill */
#include "abi.h"

static siginfo_t seen;

static void look(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    seen = *info;
}

static void results(void)
{
    struct sigaction act = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
    pid_t pid = getpid(), tid = CALL(gettid);

    NEED(sigaction(SIGUSR1, &act, NULL) == 0);
    CHECK_EQ(CALL(tgkill, pid, tid, SIGUSR1), 0);
    CHECK(seen.si_code == SI_TKILL && seen.si_pid == pid);
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
