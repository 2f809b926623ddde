/* man 2 ptrace: arguments and the first steps (more: tests/guest/ptrace_*.c). */
#include "abi.h"
#include <sys/ptrace.h>

static pid_t traced(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(7);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return pid;
}

static void results(void)
{
    static long word = 0x1122334455667788;
    long got = 0;
    pid_t pid = traced();

    CHECK_EQ(CALL(ptrace, PTRACE_PEEKDATA, pid, &word, &got), 0); /* the call stores the word */
    CHECK_EQ(got, word);
    CHECK_EQ(CALL(ptrace, PTRACE_POKEDATA, pid, &word, 5), 0);
    CHECK_EQ(CALL(ptrace, PTRACE_PEEKTEXT, pid, &word, &got), 0);
    CHECK(got == 5 && word != 5);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKDATA, pid, BAD, &got), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKDATA, pid, &word, BAD), EFAULT);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKUSER, pid, 3, &got), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_SETOPTIONS, pid, NULL, 1 << 30), EINVAL);
    CHECK_ERRNO(CALL(ptrace, 9999, pid, NULL, NULL), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 999), EIO);
    CHECK_EQ(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), 0);
    CHECK_EQ(end_of(pid), 7);
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), ESRCH);
}

static void attaching(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0)
        for (;;)
            pause();
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), ESRCH); /* not ours to trace yet */
    CHECK_ERRNO(CALL(ptrace, PTRACE_ATTACH, getpid(), NULL, NULL), EPERM);
    CHECK_ERRNO(CALL(ptrace, PTRACE_SEIZE, pid, 1, 0), EIO);
    if (CALL(ptrace, PTRACE_ATTACH, pid, NULL, NULL) != 0)
        SKIP("attaching is not allowed here");
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    CHECK_ERRNO(CALL(ptrace, PTRACE_ATTACH, pid, NULL, NULL), EPERM); /* once */
    CHECK_ERRNO(CALL(ptrace, PTRACE_DETACH, pid, NULL, 999), EIO);
    CHECK_EQ(CALL(ptrace, PTRACE_DETACH, pid, NULL, SIGKILL), 0);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

int main(void)
{
    promise("ptrace of a child: words, errors, going on", results);
    promise("ptrace attaches and detaches", attaching);
    return check_end();
}
