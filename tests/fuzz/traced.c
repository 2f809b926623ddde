// Scenes: a thread that traces a child which makes random calls, one that answers a child's calls.
#define _GNU_SOURCE
#include "fuzz.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 40 };

/* linux/ptrace.h and sys/ptrace.h do not go together. */
enum {
    TRACEME = 0,
    PEEKDATA = 2,
    PEEKUSER = 3,
    POKEDATA = 5,
    POKEUSER = 6,
    CONT = 7,
    KILL = 8,
    SINGLESTEP = 9,
    GETREGS = 12,
    SETREGS = 13,
    ATTACH = 16,
    DETACH = 17,
    SYSCALL = 24,
    SYSEMU = 31,
    SINGLEBLOCK = 33,
    SETOPTIONS = 0x4200,
    GETREGSET = 0x4204,
    SETREGSET = 0x4205,
    SEIZE = 0x4206,
    INTERRUPT = 0x4207,
    LISTEN = 0x4208,
    LAST = 0x4210,
};

static long trace(long what, pid_t pid, uint64_t address, uint64_t data)
{
    const uint64_t args[ARGS] = {(uint64_t)what, (uint64_t)pid, address, data};
    note_aside(0, SYS_ptrace, args);
    long result = syscall(SYS_ptrace, what, pid, address, data);
    note_traced(what, pid, result);
    return result;
}

static void pause_a_little(struct random *r)
{
    struct timespec t = {0, below(r, 200000)};
    if (chance(r, 50))
        sched_yield();
    else
        nanosleep(&t, NULL);
}

static void end_child(struct random *r, pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    if (chance(r, 85))
        waitpid(pid, &status, __WALL);
}

/* --- a tracer ----------------------------------------------------------------------------------
 */

static uint64_t options(struct random *r)
{
    return rnd(r) & (chance(r, 60) ? 0xff : chance(r, 80) ? 0x3000ff : ~0ull);
}

static uint64_t signal_to_pass(struct random *r)
{
    return chance(r, 80) ? 0 : below(r, 70);
}

static void look_or_change(struct random *r, unsigned thread, pid_t pid)
{
    static const uint16_t sets[] = {1, 2, 0x202, 0x200, 0x201, 3};
    struct user_regs_struct *regs = scratch(r, thread, 512);
    struct iovec *iov = scratch(r, thread, 16);
    uint64_t offset = below(r, 120) * 8;
    *iov = (struct iovec){(void *)value_of(r, 'b', thread), below(r, 5000)};
    switch (below(r, 8)) {
    case 0:
        if (!trace(GETREGS, pid, 0, (uint64_t)regs)) {
            ((uint64_t *)regs)[below(r, 27)] = value_of(r, 'i', thread);
            trace(SETREGS, pid, 0, (uint64_t)regs);
        }
        break;
    case 1:
        trace(PEEKUSER, pid, offset, value_of(r, 'b', thread));
        break;
    case 2: /* debug registers too */
        trace(POKEUSER, pid, chance(r, 60) ? 848 + below(r, 8) * 8 : offset,
              chance(r, 50) ? value_of(r, 'b', thread) : value_of(r, 'i', thread));
        break;
    case 3:
        trace(GETREGSET, pid, sets[below(r, 6)], (uint64_t)iov);
        break;
    case 4:
        iov->iov_base = regs;
        if (!trace(GETREGSET, pid, sets[below(r, 3)], (uint64_t)iov)) {
            ((uint64_t *)regs)[below(r, 60)] ^= value_of(r, 'i', thread);
            trace(SETREGSET, pid, sets[below(r, 3)], (uint64_t)iov);
        }
        break;
    case 5:
        trace(chance(r, 50) ? PEEKDATA : POKEDATA, pid, value_of(r, 'b', thread),
              value_of(r, 'b', thread));
        break;
    case 6:
        trace(SETOPTIONS, pid, 0, options(r));
        break;
    default:
        trace(SETOPTIONS + (long)below(r, 17), pid, value_of(r, 'N', thread),
              value_of(r, 'b', thread));
        break;
    }
}

static void go_on(struct random *r, pid_t pid)
{
    static const uint16_t ways[] = {
        CONT,
        CONT,
        SYSCALL,
        SYSCALL,
        SYSCALL,
        SINGLESTEP,
        SINGLESTEP,
        SYSEMU,
        SYSEMU + 1,
        SINGLEBLOCK,
        LISTEN,
        INTERRUPT,
        DETACH,
        SINGLEBLOCK,
        KILL
    };
    trace(ways[below(r, sizeof(ways) / sizeof(ways[0]) - !chance(r, 20))], pid, 0,
          signal_to_pass(r));
}

static int64_t play_tracer(struct random *r, unsigned thread, void (*child)(void *), void *self)
{
    bool asks = chance(r, 40);
    int status;
    pid_t pid = fork(), stopped;
    if (pid < 0)
        return -1;
    if (pid == 0) {
        if (asks)
            trace(TRACEME, 0, 0, 0);
        if (asks && chance(r, 50))
            syscall(SYS_tkill, syscall(SYS_gettid), SIGSTOP);
        child(self);
    }
    if (!asks)
        trace(chance(r, 70) ? SEIZE : ATTACH, pid, 0, options(r));
    for (unsigned i = 0; i < STEPS; i++) {
        stopped = waitpid(chance(r, 70) ? pid : -1, &status, WNOHANG | __WALL | WUNTRACED);
        pid_t about = stopped > 0 ? stopped : pid;
        if (stopped > 0 && !WIFSTOPPED(status) && stopped == pid)
            return 0;
        for (unsigned n = below(r, 3); n > 0; n--)
            look_or_change(r, thread, about);
        go_on(r, about);
        if (chance(r, 5))
            kill(pid, (int)value_of(r, 's', thread));
        if (chance(r, 4))
            trace(SEIZE, pid, 0, options(r));
        pause_a_little(r);
    }
    end_child(r, pid);
    return 0;
}

/* --- one that answers --------------------------------------------------------------------------
 */

static const uint16_t answered[] = {SYS_getppid, SYS_open, SYS_openat, SYS_read, SYS_write,
                                    SYS_mmap,    SYS_stat, SYS_futex,  SYS_ioctl};
enum { NANSWERED = sizeof(answered) / sizeof(answered[0]) };

static int listen(unsigned flags)
{
    struct sock_filter code[NANSWERED + 3];
    unsigned n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
    for (unsigned i = 0; i < NANSWERED; i++)
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, answered[i], NANSWERED - i, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {n, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void answer(struct random *r, unsigned thread, int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    struct seccomp_notif *asked = scratch(r, thread, 256);
    struct seccomp_notif_resp *response = scratch(r, thread, 64);
    struct seccomp_notif_addfd *given = scratch(r, thread, 64);
    if (poll(&p, 1, 1) <= 0 && !chance(r, 10))
        return;
    memset(asked, 0, sizeof(*asked));
    if (p.revents & POLLIN || chance(r, 10))
        ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, chance(r, 95) ? (void *)asked : NULL);
    if (chance(r, 30))
        ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked->id);
    if (chance(r, 30)) {
        *given = (struct seccomp_notif_addfd){asked->id, below(r, 4),
                                              (uint32_t)value_of(r, 'f', thread), below(r, 60), 0};
        ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, given);
    }
    *response = (struct seccomp_notif_resp){asked->id, 0, -(int)below(r, 40),
                                            chance(r, 50) ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0};
    if (chance(r, 60) && response->flags)
        response->error = 0;
    if (chance(r, 90))
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, response);
}

/* The child has this process's descriptors, so that its listener is here as well. */
static int64_t play_listener(struct random *r, unsigned thread, void (*child)(void *), void *self)
{
    _Atomic int *fd = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fd == MAP_FAILED)
        return -1;
    *fd = -1;
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
                     (chance(r, 30) ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0);
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        *fd = listen(flags);
        child(self);
    }
    for (unsigned i = 0; pid > 0 && i < STEPS; i++) {
        if (*fd >= 0)
            answer(r, thread, *fd);
        if (chance(r, 4))
            kill(pid, (int)value_of(r, 's', thread));
        pause_a_little(r);
    }
    if (pid > 0 && *fd >= 0 && chance(r, 50))
        close(*fd);
    munmap((void *)fd, 4096);
    if (pid > 0)
        end_child(r, pid);
    return pid < 0 ? -1 : 0;
}

int64_t scene_play(int nr, struct random *r, unsigned thread, void (*child)(void *self), void *self)
{
    return nr == SCENE_TRACER ? play_tracer(r, thread, child, self)
                              : play_listener(r, thread, child, self);
}
