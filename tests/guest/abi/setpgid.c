/* man 2 setpgid */
#include "abi.h"

static pid_t sleeper(void)
{
    pid_t pid = start();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

static void groups(void)
{
    pid_t a = sleeper(), b = sleeper();

    CHECK_EQ(CALL(setpgid, a, 0), 0);
    CHECK_EQ(getpgid(a), a);
    CHECK_EQ(CALL(setpgid, b, a), 0);
    CHECK_EQ(getpgid(b), a);
    CHECK_EQ(CALL(setpgid, b, getpgrp()), 0);
    CHECK_ERRNO(CALL(setpgid, b, 0x3ffffff), EPERM); /* no such group */
    CHECK_ERRNO(CALL(setpgid, b, -1), EINVAL);
    CHECK_ERRNO(CALL(setpgid, getppid(), 0), ESRCH); /* not a child */
    CHECK_ERRNO(CALL(setpgid, 0x3ffffff, 0), ESRCH);
    stop(a);
    stop(b);
}

static void leader_stays(void)
{
    CHECK(setsid() > 0);
    CHECK_ERRNO(CALL(setpgid, 0, 0), EPERM);
}

static void not_after_exec(void)
{
    char *const args[] = {"/proc/self/exe", "sleep", NULL};
    pid_t pid = start();

    if (pid == 0) {
        execv(args[0], args);
        _exit(1);
    }
    for (long err = 0; err != -1; sleep_ms(1)) {
        err = CALL(setpgid, pid, 0);
        if (err)
            CHECK_EQ(errno, EACCES);
    }
    stop(pid);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return pause();
    promise_apart("setpgid makes and joins groups", groups);
    promise_apart("the leader of a session stays", leader_stays);
    promise_apart("a child that has called exec is left alone", not_after_exec);
    return check_end();
}
