/* man 2 ioprio_set, ioprio_get: the priority is kept, checked, inherited. */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PROCESS = 1, PGRP, USER };
enum { NONE, RT, BE, IDLE };
#define VALUE(class, level) ((class) << 13 | (level))

static long set(int which, int who, int value)
{
    return syscall(SYS_ioprio_set, which, who, value);
}

static long get(int which, int who)
{
    return syscall(SYS_ioprio_get, which, who);
}

static void kept(void)
{
    int status;
    pid_t pid;

    setpgid(0, 0);
    CHECK_EQ(get(PROCESS, 0), 0);
    CHECK_EQ(get(PGRP, 0), VALUE(BE, 4)); /* by nice 0 */
    CHECK_EQ(set(PROCESS, 0, VALUE(BE, 6)), 0);
    CHECK_EQ(get(PROCESS, 0), VALUE(BE, 6));
    CHECK_EQ(get(PROCESS, getpid()), VALUE(BE, 6));
    CHECK_EQ(get(PGRP, 0), VALUE(BE, 6));
    pid = fork();
    if (pid == 0)
        _exit(get(PROCESS, 0) == VALUE(BE, 6) ? 0 : 1);
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(set(PGRP, 0, VALUE(IDLE, 0)), 0);
    CHECK_EQ(get(PROCESS, 0), VALUE(IDLE, 0));
    CHECK_EQ(set(PROCESS, 0, VALUE(NONE, 0)), 0);
    CHECK_EQ(get(PROCESS, 0), 0);
}

static void errors(void)
{
    CHECK_ERRNO(set(0, 0, VALUE(BE, 4)), EINVAL);
    CHECK_ERRNO(set(4, 0, VALUE(BE, 4)), EINVAL);
    CHECK_ERRNO(get(0, 0), EINVAL);
    CHECK_ERRNO(set(PROCESS, 0, VALUE(NONE, 1)), EINVAL);
    CHECK_ERRNO(set(PROCESS, 0, VALUE(4, 0)), EINVAL);
    CHECK_EQ(set(PROCESS, 0, VALUE(8 + NONE, 0)), 0); /* three bits count */
    CHECK_ERRNO(set(PROCESS, 0x3ffffff, VALUE(BE, 4)), ESRCH);
    CHECK_ERRNO(get(PROCESS, 0x3ffffff), ESRCH);
    CHECK_ERRNO(get(PGRP, 0x3ffffff), ESRCH);
    CHECK_ERRNO(get(USER, 0x3ffffff), ESRCH);
}

static void rights(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (setuid(65534) != 0)
            _exit(77);
        CHECK_ERRNO(set(PROCESS, 0, VALUE(RT, 0)), EPERM);
        CHECK_ERRNO(set(PROCESS, getppid(), VALUE(BE, 4)), EPERM);
        CHECK_EQ(set(PROCESS, 0, VALUE(IDLE, 0)), 0);
        CHECK_EQ(set(PROCESS, 0, VALUE(BE, 0)), 0);
        _exit(atomic_load(&check_failed_here));
    }
    waitpid(pid, &status, 0);
    CHECK(status == 0 || WEXITSTATUS(status) == 77);
}

int main(void)
{
    promise("the priority is kept and inherited", kept);
    promise("errors are the documented ones", errors);
    promise("without rights", rights);
    return check_end();
}
