/* man 2 restart_syscall: a sleep that was stopped goes on for the rest of its time. */
#include "abi.h"

static void stopped_sleep(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0) {
        struct timespec time = {0, 300 * MS};
        int64_t before = now_ns();
        long err = CALL(nanosleep, &time, NULL);
        _exit(err == 0 && now_ns() - before >= 300 * MS ? 0 : 1);
    }
    CHECK(comes_to(pid, 'S'));
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    kill(pid, SIGCONT);
    CHECK_EQ(end_of(pid), 0);
}

static void by_itself(void)
{
    CHECK_ERRNO(CALL(restart_syscall), EINTR); /* there is nothing to go on with */
}

int main(void)
{
    promise("a stopped sleep goes on", stopped_sleep);
    promise("restart_syscall without a call to restart", by_itself);
    return check_end();
}
