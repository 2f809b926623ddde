/* man 2 setpriority */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    CHECK_EQ(CALL(setpriority, PRIO_PROCESS, 0, 100), 0); /* as far as it goes */
    CHECK_EQ(CALL(getpriority, PRIO_PROCESS, 0), 1);
    CHECK_EQ(CALL(setpriority, PRIO_PROCESS, getpid(), -100), 0);
    CHECK_EQ(CALL(getpriority, PRIO_PROCESS, 0), 40);
    CHECK_ERRNO(CALL(setpriority, 3, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(setpriority, PRIO_PROCESS, 0x3ffffff, 0), ESRCH);
    CHECK_EQ(CALL(setpriority, PRIO_PROCESS, 0, 5), 0);
    pid_t parent = getppid();
    become_nobody();
    CHECK_EQ(CALL(setpriority, PRIO_PROCESS, 0, 6), 0);
    CHECK_ERRNO(CALL(setpriority, PRIO_PROCESS, 0, 5), EACCES);
    CHECK_ERRNO(CALL(setpriority, PRIO_PROCESS, parent, 19), EPERM);
}

int main(void)
{
    promise_apart("setpriority: results and errors", results);
    return check_end();
}
