/* man 2 restart_syscall: a sleep that was stopped goes on for the rest of its time. */
#include "abi.h"

static void sleep_for(int64_t ns)
{
    struct timespec time = {ns / 1000000000, ns % 1000000000};
    int64_t before = now_ns();
    long err = CALL(nanosleep, &time, NULL);

    _exit(err == 0 && now_ns() - before >= ns ? 0 : 1);
}

static void stopped_sleep(void)
{
    int status = 0;

    /* A sleep that was over before the signal came is repeated with a longer one. */
    for (int64_t ns = 300 * MS; ns < 30000ll * MS && !WIFSTOPPED(status); ns *= 4) {
        pid_t pid = start();

        if (pid == 0)
            sleep_for(ns);
        for (char state = 0; state != 'S' && state != 'Z'; state = state_of(pid))
            sleep_ms(1);
        kill(pid, SIGSTOP);
        NEED(waitpid(pid, &status, WUNTRACED) == pid);
        if (WIFSTOPPED(status)) {
            kill(pid, SIGCONT);
            CHECK_EQ(end_of(pid), 0);
        } else
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(WIFSTOPPED(status));
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
