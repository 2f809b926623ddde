/* man 2 clone: flags of the kernel's own call (threads: tests/guest/thread_clone.c). */
#include "abi.h"

static pid_t tids[2]; /* as parent and child see them */

static long call_clone(unsigned long flags)
{
    fflush(stdout);
    return CALL(clone, flags, 0, &tids[0], &tids[1], 0);
}

static void results(void)
{
    int fd = file_with("file", ""), status;
    pid_t pid = call_clone(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID);

    if (pid == 0)
        _exit(tids[1] == getpid() ? 0 : 1);
    CHECK(pid > 0 && tids[0] == pid && tids[1] == 0);
    CHECK_EQ(end_of(pid), 0);
    pid = call_clone(SIGCHLD | CLONE_FILES | CLONE_FS);
    if (pid == 0) {
        close(fd);
        umask(0123);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF); /* the table is one */
    CHECK_EQ(umask(022), 0123);
    pid = call_clone(0); /* no signal at its end: waited for with __WCLONE */
    if (pid == 0)
        _exit(5);
    CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
    CHECK(waitpid(pid, &status, __WCLONE) == pid && WEXITSTATUS(status) == 5);
    sigset_t all, none;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &none);
    pid = call_clone(65); /* no such signal: none at its end */
    if (pid == 0)
        _exit(5);
    CHECK(waitpid(pid, &status, __WCLONE) == pid && WEXITSTATUS(status) == 5);
    CHECK(sigpending(&all) == 0 && sigisemptyset(&all));
    sigprocmask(SIG_SETMASK, &none, NULL);
    pid = call_clone(CLONE_PIDFD | SIGCHLD);
    if (pid == 0)
        _exit(6);
    CHECK_EQ(fcntl(tids[0], F_GETFD), FD_CLOEXEC); /* a descriptor this time */
    CHECK_EQ(end_of(pid), 6);
}

static void errors(void)
{
    CHECK_ERRNO(call_clone(CLONE_THREAD), EINVAL);
    CHECK_ERRNO(call_clone(CLONE_SIGHAND), EINVAL);
    CHECK_ERRNO(call_clone(CLONE_THREAD | CLONE_SIGHAND), EINVAL);
    CHECK_ERRNO(call_clone(CLONE_FS | CLONE_NEWNS), EINVAL);
    CHECK_ERRNO(call_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("clone: flags", results);
    promise("clone: flags that exclude each other", errors);
    return check_end();
}
