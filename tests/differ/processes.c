// New processes and threads: the flags of clone and clone3, what is told of the new one and its
// end.
//
// LEFT OUT: namespaces but that of mounts (Osprey has one each of the others); exit signals above
// 64 (tests/guest/abi/clone); PIDFD_THREAD, which Osprey refuses; groups for pidfd_send_signal;
// CLONE_VM, CLONE_SIGHAND and CLONE_THREAD for unshare, which succeed while others share;
// numbers that are taken for set_tid; CLONE_PIDFD for threads, which Osprey refuses; a descriptor
// for CLONE_INTO_CGROUP, judged before other flags; KCMP_SYSVSEM, which shows lists not made yet.
#include "families.h"

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static int pidfd, parent_tid, child_tid;
static char area[4096] __attribute__((aligned(64)));

static const struct named clone_flags[] = {N(CLONE_VM),
                                           N(CLONE_VM | CLONE_VFORK),
                                           N(CLONE_FS),
                                           N(CLONE_FILES),
                                           N(CLONE_SIGHAND | CLONE_VM),
                                           N(CLONE_SIGHAND),
                                           N(CLONE_PIDFD),
                                           N(CLONE_VFORK),
                                           N(CLONE_PARENT),
                                           N(CLONE_THREAD),
                                           N(CLONE_NEWNS),
                                           N(CLONE_SYSVSEM),
                                           N(CLONE_SETTLS),
                                           N(CLONE_PARENT_SETTID),
                                           N(CLONE_CHILD_CLEARTID),
                                           N(CLONE_DETACHED),
                                           N(CLONE_UNTRACED),
                                           N(CLONE_CHILD_SETTID),
                                           N(CLONE_PTRACE),
                                           N(CLONE_IO),
                                           N(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM),
                                           N(CLONE_CLEAR_SIGHAND)};

/* The parent of the process that makes the calls: it leads the session and the group. */
static void stand_by(void)
{
    int status = 0;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
        return;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid)
        abort();
    if (status)
        say("\nended with status %#x\n", status);
    _exit(0);
}

bool processes_setup(void)
{
    sigset_t all;
    for (int fd = 3; fd < PEER_OUT; fd++)
        close(fd);
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
        return why = "no mask", false;
    stand_by();
    if (setsid() < 0)
        return why = "no session", false;
    stand_by();
    return true;
}

/* The call; the new one ends at once, with 7. It may share the stack: it does not use it. */
static long born(long nr, long a, long b, long c, long d, long e)
{
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
                     "mov $60, %%eax\n\tmov $7, %%edi\n\tsyscall\n\thlt\n1:"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

static void show_signals(void)
{
    sigset_t all;
    siginfo_t info;
    sigfillset(&all);
    for (int sig; (sig = sigtimedwait(&all, &info, &(struct timespec){0})) > 0;)
        say(" signal %d code=%d status=%#x", sig, info.si_code, info.si_status);
}

static void show_wait(const char *name, long pid, int options)
{
    int status = 0;
    long r = call(SYS_wait4, pid, &status, options | WNOHANG, NULL);
    say(" %s=%s", name, r < 0 ? error_name(-r) : r == 0 ? "0" : "it");
    if (r > 0)
        say(" %#x", status);
}

static void show_end(long pid, uint64_t flags)
{
    siginfo_t info = {0};
    struct pollfd poll_one = {pidfd, POLLIN, 0};
    if (flags & CLONE_THREAD)
        while (syscall(SYS_tgkill, getpid(), pid, 0) == 0)
            usleep(50);
    if (flags & (CLONE_THREAD | CLONE_PARENT))
        return show_wait("all", pid, __WALL);
    long r = call(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT | __WALL, NULL);
    say(" {%ld %d %d}", r, info.si_code, info.si_status);
    if (pidfd >= 0)
        say(" poll %d %#x", poll(&poll_one, 1, 0), poll_one.revents);
    if (chance(50))
        show_wait("clone", pid, __WCLONE);
    if (chance(50))
        show_wait("none", pid, 0);
    show_wait("all", pid, __WALL);
}

static void show_born(long r, uint64_t flags)
{
    end(r > 0 ? 1 : r);
    if (r > 0) {
        show_end(r, flags);
        say(" parent=%s child=%s",
            parent_tid == r    ? "it"
            : parent_tid == -1 ? "-"
                               : "other",
            child_tid == r    ? "it"
            : child_tid == -1 ? "-"
            : child_tid == 0  ? "0"
                              : "other");
    }
    if (pidfd >= 0) {
        say(" cloexec=%d mode=%#x", fcntl(pidfd, F_GETFD), fcntl(pidfd, F_GETFL));
        close(pidfd);
    }
    show_signals();
}

static const long exit_signals[] = {SIGCHLD, SIGCHLD, SIGCHLD, 0, SIGUSR1, 64};

static void op_clone(void)
{
    begin("clone");
    pidfd = parent_tid = child_tid = -1;
    uint64_t flags = SOME(clone_flags, 4) & 0xffffffff;
    long sig = choose(exit_signals, COUNT(exit_signals));
    if (flags & CLONE_THREAD)
        flags &= ~(uint64_t)CLONE_PIDFD;
    if (flags & CLONE_VM) // it writes its number, or clears it, when it pleases
        flags &= ~(uint64_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID);
    int *word = flags & CLONE_PIDFD ? &pidfd : &parent_tid;
    if (chance(3))
        arg("BAD"), word = BAD_POINTER;
    show_born(
        born(SYS_clone, (long)(flags | (uint64_t)sig), 0, (long)word, (long)&child_tid, (long)area),
        flags);
}

static void op_clone3(void)
{
    struct clone_args args[2] = {0};
    begin("clone3");
    pidfd = parent_tid = child_tid = -1;
    uint64_t flags = SOME(clone_flags, 4);
    if (chance(90)) // refused by clone3
        flags &= ~(uint64_t)CLONE_DETACHED;
    if (flags & CLONE_THREAD)
        flags &= ~(uint64_t)CLONE_PIDFD;
    if (flags & CLONE_VM)
        flags &= ~(uint64_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID);
    bool thread = flags & (CLONE_THREAD | CLONE_PARENT);
    pid_t wanted[3] = {(pid_t)CHOOSE(0, -1, -1), 1, 1};
    args[0] = (struct clone_args){
        .flags = flags,
        .pidfd = (uintptr_t)&pidfd,
        .child_tid = (uintptr_t)&child_tid,
        .parent_tid = (uintptr_t)&parent_tid,
        .exit_signal =
            thread && chance(80) ? 0 : (uint64_t)choose(exit_signals, COUNT(exit_signals)),
        .tls = (uintptr_t)area,
    };
    if (chance(10))
        args[0].set_tid = (uintptr_t)wanted, args[0].set_tid_size = (uint64_t)CHOOSE(0, 1, 1, 33);
    else if (chance(5))
        args[0].set_tid_size = (uint64_t)CHOOSE(1, 2);
    if (chance(8))
        args[0].stack = chance(50) ? (arg("stack"), (uintptr_t)area) : 0,
        args[0].stack_size = (uint64_t)CHOOSE(0, 0, 16, -1);
    if (chance(8))
        args[0].flags |= CLONE_INTO_CGROUP, args[0].cgroup = (uint64_t)CHOOSE(-1, 1l << 33);
    if (chance(4))
        args[0].flags |= 1ull << CHOOSE(34, 35, 40, 63);
    if (chance(4))
        args[0].exit_signal = (uint64_t)CHOOSE(1l << 32 | SIGCHLD, 256, 1l << 40);
    if (chance(4))
        args[1].flags = 1, arg("tail");
    size_t size = chance(85) ? sizeof(args[0])
                             : (size_t)CHOOSE(0, 63, 64, 65, 80, 88, 89, 96, 100, 176, 4096, 4097);
    struct clone_args *at = chance(97) ? args : (arg("BAD"), BAD_POINTER);
    if (size >= 4096)
        memcpy(buffer, args, sizeof(args)), memset(buffer + sizeof(args), 0, 5000),
            at = (void *)buffer;
    show_born(born(SYS_clone3, (long)at, (long)size, 0, 0, 0), flags);
}

static void op_unshare(void)
{
    static const struct named flags[] = {
        N(CLONE_FS), N(CLONE_FILES), N(CLONE_SYSVSEM), N(CLONE_NEWNS),  N(CLONE_VFORK),
        N(CLONE_IO), N(CLONE_PIDFD), N(1ull << 40),    N(CLONE_PARENT), N(CLONE_SETTLS),
        N(1)};
    begin("unshare");
    end(call(SYS_unshare, SOME(flags, 3)));
}

static pid_t some_pid(void)
{
    unsigned which = below(6);
    arg("%s", ((const char *[]){"own", "0", "parent", "-1", "-own", "none"})[which]);
    return ((pid_t[]){getpid(), 0, getppid(), -1, -getpid(), 0x3fffff})[which];
}

static const char *relation(long r)
{
    return r < 0             ? error_name(-r)
           : r == getpid()   ? "own"
           : r == getppid()  ? "parent"
           : r == getpgid(0) ? "group"
           : r == getsid(0)  ? "session"
                             : "other";
}

static void op_groups(void)
{
    int status;
    unsigned which = below(5);
    begin(
        ((const char *[]){"getpgid", "getsid", "setpgid", "setsid", "setpgid of a child"})[which]);
    if (which < 2) {
        long r = call(which ? SYS_getsid : SYS_getpgid, some_pid());
        return say(") = %s", relation(r));
    }
    if (which == 2) {
        pid_t a = some_pid(), b = some_pid();
        return end(call(SYS_setpgid, a, b));
    }
    if (which == 3)
        return say(") = %s", relation(call(SYS_setsid)));
    bool session = chance(30);
    int ends[2], back[2];
    char c;
    if (pipe(ends) != 0 || pipe(back) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        if (session)
            setsid();
        close(ends[1]);
        if (write(back[1], "", 1) == 1 && read(ends[0], &c, 1) == 0)
            _exit(getpgid(0) == getpid() ? 1 : getpgid(0) == getpgid(getppid()) ? 2 : 3);
        _exit(4);
    }
    if (read(back[0], &c, 1) != 1)
        abort();
    unsigned to = below(4);
    arg("session %d, to %u", session, to);
    end(call(SYS_setpgid, pid, (pid_t[]){0, pid, getpgid(0), 0x3fffff}[to]));
    say(" kill group %ld", call(SYS_kill, -pid, 0));
    for (int i = 0; i < 2; i++)
        close(ends[1 - i]), close(back[i]);
    waitpid(pid, &status, 0);
    say(" status %#x", status);
    show_signals();
}

static void op_pidfd(void)
{
    begin("pidfd_open");
    pid_t pid = some_pid();
    unsigned flags = (unsigned)CHOOSE(0, 0, O_NONBLOCK, O_CLOEXEC, 1, 4);
    long fd = call(SYS_pidfd_open, pid, flags);
    end(fd < 0 ? fd : 0);
    if (fd < 0)
        return;
    say(" %#x %d", fcntl((int)fd, F_GETFL), fcntl((int)fd, F_GETFD));
    begin(" pidfd_send_signal");
    int sig = (int)CHOOSE(0, SIGUSR1, 65, -1);
    unsigned how = (unsigned)CHOOSE(0, 0, 0, 3, 8);
    if (pid == getppid()) // what has no handler there would end it
        sig = 0;
    end(call(SYS_pidfd_send_signal, fd, sig, NULL, how));
    begin(" pidfd_getfd");
    int of = (int)CHOOSE(0, 200, -1, PROC);
    long got = call(SYS_pidfd_getfd, fd, of, (unsigned)CHOOSE(0, 0, 0, 1));
    end(got < 0 ? got : 0);
    if (got >= 0)
        say(" %d", fcntl((int)got, F_GETFD)), close((int)got);
    close((int)fd);
    show_signals();
}

static void op_kcmp(void)
{
    begin("kcmp");
    pid_t a = some_pid(), b = some_pid();
    int type = (int)CHOOSE(0, 1, 2, 3, 4, 5, 7, 8, -1);
    long i = CHOOSE(0, 1, 200, -1), j = CHOOSE(0, 1, 200, PROC);
    long r = call(SYS_kcmp, a, b, type, i, j);
    if (r == 2)
        r = 1; // the order is by address
    end(r);
}

static void op_registrations(void)
{
    unsigned which = below(4);
    begin(
        ((const char *[]){"set_robust_list", "get_robust_list", "rseq", "set_tid_address"})[which]);
    long length = CHOOSE(0, 24, 32, 33, 20, 64, -1);
    void *head = chance(80) ? area : (arg("BAD"), BAD_POINTER), *old = NULL;
    size_t size = 0;
    if (which == 0) {
        end(call(SYS_set_robust_list, chance(50) ? NULL : head, length));
        syscall(SYS_set_robust_list, NULL, 24);
    } else if (which == 1) {
        end(call(SYS_get_robust_list, some_pid(), head == area ? &old : head, &size));
        say(" %zu %d", size, old != NULL);
    } else if (which == 2) {
        end(call(SYS_rseq, (char *)head + CHOOSE(0, 8, 32), length, CHOOSE(0, 1, 2),
                 CHOOSE(0, 0x53053053)));
    } else {
        say(") = %s", relation(call(SYS_set_tid_address, head)));
    }
}

const struct op processes_ops[] = {{op_clone, 8},         {op_clone3, 8}, {op_unshare, 3},
                                   {op_groups, 5},        {op_pidfd, 5},  {op_kcmp, 3},
                                   {op_registrations, 3}, {NULL, 0}};
