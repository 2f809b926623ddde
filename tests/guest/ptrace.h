/* ptrace.h: tracees for tests: a child that asks to be traced and stops, and what is asked of it.
 */
#ifndef PTRACE_H
#define PTRACE_H

#include "check.h"

#include <elf.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define PTRACE_PEEKUSER                PTRACE_PEEKUSR
#define PTRACE_POKEUSER                PTRACE_POKEUSR
#define REQUEST(what, pid, addr, data) request((what), (pid), (uint64_t)(addr), (uint64_t)(data))
/* A word that is read is the result, with errno 0. */
#define ptrace(what, pid, addr, data) REQUEST(what, pid, addr, data)
#define EVENT_STOP(sig, event)        ((sig) | (event) << 8)

/* As the libc's ptrace(), whose header and the kernel's do not go together. */
static inline long request(long what, pid_t pid, uint64_t addr, uint64_t data)
{
    long word = -1;

    if (what < PTRACE_PEEKTEXT || what > PTRACE_PEEKUSER)
        return syscall(SYS_ptrace, what, pid, addr, data);
    if (syscall(SYS_ptrace, what, pid, addr, &word) != 0)
        return -1;
    errno = 0;
    return word;
}

/* A child that is traced from its first stop on (SIGSTOP), then runs body and exits with it. */
static inline pid_t start_traced(int (*body)(void))
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(200);
        raise(SIGSTOP);
        _exit(body());
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
        printf("# the child does not stop: status %#x\n", status);
    return pid;
}

/* A child that is not traced yet. */
static inline pid_t start_child(int (*body)(void))
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(body());
    return pid;
}

/* Wait for this one; the status, -1 where there is none. */
static inline int next_status(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, __WALL) == -1 && errno == EINTR)
        ;
    return status;
}

static inline bool stopped_with(int status, int code)
{
    if (WIFSTOPPED(status) && status >> 8 == code)
        return true;
    printf("# status %#x, not a stop with %#x\n", status, code);
    return false;
}

/* Let it go on, and wait for its next stop or end. */
static inline int go_on(int how, pid_t pid, int signo)
{
    if (REQUEST(how, pid, 0, signo) != 0)
        printf("# request %d for %d: %s\n", how, pid, strerror(errno));
    return next_status(pid);
}

static inline bool exited_with(int status, int code)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == code)
        return true;
    printf("# status %#x, not an exit with %d\n", status, code);
    return false;
}

static inline void end_traced(pid_t pid)
{
    if (pid <= 1) /* these stand for others than one process */
        abort();
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) > 0 || errno == EINTR)
        ;
}

#endif
