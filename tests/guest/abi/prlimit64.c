/* man 2 prlimit */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    struct rlimit limit = {5, 10}, old;
    pid_t pid = start();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    CHECK_EQ(CALL(prlimit64, pid, RLIMIT_CORE, &limit, &old), 0);
    CHECK_EQ(CALL(prlimit64, pid, RLIMIT_CORE, NULL, &old), 0);
    CHECK(old.rlim_cur == 5 && old.rlim_max == 10);
    CHECK_EQ(CALL(prlimit64, 0, RLIMIT_CORE, NULL, &old), 0);
    CHECK(old.rlim_max != 10); /* ours is our own */
    CHECK_EQ(CALL(prlimit64, 0, RLIMIT_CORE, NULL, NULL), 0);
    CHECK_ERRNO(CALL(prlimit64, 0x3ffffff, RLIMIT_CORE, NULL, &old), ESRCH);
    CHECK_ERRNO(CALL(prlimit64, 0, 99, NULL, &old), EINVAL);
    CHECK_ERRNO(CALL(prlimit64, 0, RLIMIT_CORE, BAD, NULL), EFAULT);
    CHECK_ERRNO(CALL(prlimit64, 0, RLIMIT_CORE, NULL, BAD), EFAULT);
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    pid = getppid();
    become_nobody();
    CHECK_ERRNO(CALL(prlimit64, pid, RLIMIT_CORE, NULL, &old), EPERM);
}

int main(void)
{
    promise_apart("prlimit64: results and errors", results);
    return check_end();
}
