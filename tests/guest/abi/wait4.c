/* man 2 wait4 */
#include "abi.h"
#include <sys/resource.h>

/* Much memory: Linux counts what a process has in batches of some pages for each processor. */
static char memory[8 << 20];

static pid_t child(int status)
{
    pid_t pid = start();

    if (pid == 0) {
        memset(memory, 1, sizeof(memory));
        _exit(status);
    }
    return pid;
}

static void results(void)
{
    int status;
    struct rusage usage;
    pid_t pid = child(9);

    CHECK_EQ(CALL(wait4, pid, &status, 0, &usage), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9 && usage.ru_maxrss > 0);
    CHECK_ERRNO(CALL(wait4, pid, &status, 0, NULL), ECHILD);
    pid = child(4);
    CHECK_EQ(CALL(wait4, -1, NULL, 0, NULL), pid);
    CHECK_ERRNO(CALL(wait4, -1, NULL, 0, NULL), ECHILD);
    pid = start();
    if (pid == 0)
        for (;;)
            pause();
    CHECK_EQ(CALL(wait4, pid, &status, WNOHANG, NULL), 0);
    kill(pid, SIGSTOP);
    CHECK_EQ(CALL(wait4, pid, &status, WUNTRACED, NULL), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(pid, SIGCONT);
    CHECK_EQ(CALL(wait4, pid, &status, WCONTINUED, NULL), pid);
    CHECK(WIFCONTINUED(status));
    kill(pid, SIGKILL);
    CHECK_EQ(CALL(wait4, 0, &status, 0, NULL), pid); /* of the same group */
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void errors(void)
{
    pid_t pid = child(0);

    CHECK_ERRNO(CALL(wait4, pid, NULL, 1 << 12, NULL), EINVAL);
    CHECK_ERRNO(CALL(wait4, getpid(), NULL, 0, NULL), ECHILD);
    CHECK_ERRNO(CALL(wait4, -12345, NULL, 0, NULL), ECHILD);
    CHECK_ERRNO(CALL(wait4, 1ul << 31, NULL, 0, NULL), ESRCH);
    CHECK_ERRNO(CALL(wait4, pid, BAD, 0, NULL), EFAULT); /* and yet it is reaped */
    CHECK_ERRNO(CALL(wait4, pid, NULL, 0, NULL), ECHILD);
}

int main(void)
{
    promise("wait4: results", results);
    promise("wait4: errors", errors);
    return check_end();
}
