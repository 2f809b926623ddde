/* man 2 getpgid */
#include "abi.h"

static void results(void)
{
    pid_t pid;

    CHECK_EQ(CALL(getpgid, 0), getpgrp());
    CHECK_EQ(CALL(getpgid, getpid()), getpgrp());
    CHECK_ERRNO(CALL(getpgid, 0x3ffffff), ESRCH);
    CHECK_ERRNO(CALL(getpgid, -1), ESRCH);
    pid = start();
    if (pid == 0) {
        setpgid(0, 0);
        pause();
    }
    while (CALL(getpgid, pid) != pid)
        sleep_ms(1);
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    CHECK_ERRNO(CALL(getpgid, pid), ESRCH);
}

int main(void)
{
    promise("getpgid gives the group of any process", results);
    return check_end();
}
