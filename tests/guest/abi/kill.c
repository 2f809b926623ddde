/* man 2 kill */
#include "abi.h"

static pid_t sleeper(pid_t group)
{
    pid_t pid = start();

    if (pid == 0) {
        setpgid(0, group);
        for (;;)
            pause();
    }
    setpgid(pid, group);
    return pid;
}

static void results(void)
{
    pid_t a = sleeper(0), b = sleeper(a);

    CHECK_EQ(CALL(kill, a, 0), 0);
    CHECK_EQ(CALL(kill, -a, SIGTERM), 0); /* the whole group */
    CHECK_EQ(end_of(a), 1000 + SIGTERM);
    CHECK_EQ(end_of(b), 1000 + SIGTERM);
    CHECK_ERRNO(CALL(kill, a, 0), ESRCH);
    CHECK_ERRNO(CALL(kill, -a, 0), ESRCH);
    CHECK_ERRNO(CALL(kill, getpid(), 65), EINVAL);
    CHECK_ERRNO(CALL(kill, getpid(), -1), EINVAL);
    CHECK_ERRNO(CALL(kill, 0x3ffffff, SIGTERM), ESRCH);
    CHECK_ERRNO(CALL(kill, 1l << 31, SIGTERM), ESRCH);
}

static void permission(void)
{
    pid_t parent = getppid();

    become_nobody();
    CHECK_ERRNO(CALL(kill, parent, SIGTERM), EPERM);
    CHECK_ERRNO(CALL(kill, parent, 0), EPERM);
    CHECK_EQ(CALL(kill, getpid(), 0), 0);
}

int main(void)
{
    promise("kill: results and errors", results);
    promise_apart("kill needs the same user", permission);
    return check_end();
}
