/* linux/signal.h: signals (man 7 signal). Sending: any context; the rest in the thread concerned.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"

struct task;
struct process;
struct regs;

enum {
    SIGHUP = 1,
    SIGINT,
    SIGQUIT,
    SIGILL,
    SIGTRAP,
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGKILL,
    SIGUSR1,
    SIGSEGV,
    SIGUSR2,
    SIGPIPE,
    SIGALRM,
    SIGTERM,
    SIGSTKFLT,
    SIGCHLD,
    SIGCONT,
    SIGSTOP,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGURG,
    SIGXCPU,
    SIGXFSZ,
    SIGVTALRM,
    SIGPROF,
    SIGWINCH,
    SIGIO,
    SIGPWR,
    SIGSYS,
    SIGRTMIN = 32,
    SIGRTMAX = 64,
};
#define SIG_DFL    0ul
#define SIG_IGN    1ul
#define SIGMASK(n) (1ull << ((n)-1))

/* siginfo_t as the program sees it (128 bytes). */
struct siginfo {
    int32_t signo, err, code, pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } kill;
        struct {
            int32_t tid, overrun;
            uint64_t value;
        } timer;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status, pad;
            int64_t utime, stime;
        } child;
        struct {
            uint64_t addr;
        } fault;
        struct {
            int64_t band;
            int32_t fd;
        } poll;
        struct {
            uint64_t call_addr;
            int32_t nr;
            uint32_t arch;
        } sys;
        uint64_t raw[14];
    };
};
enum {
    SI_USER = 0,
    SI_KERNEL = 0x80,
    SI_QUEUE = -1,
    SI_TIMER = -2,
    SI_MESGQ = -3,
    SI_ASYNCIO = -4,
    SI_SIGIO = -5,
    SI_TKILL = -6
};

struct signal_queue {
    uint64_t set;
    struct list infos; /* struct queued_signal, oldest first */
};
struct sigaction {
    uint64_t handler, flags, restorer, mask; /* the kernel's rt_sigaction layout */
};
struct signal_actions {
    atomic_uint refs;
    struct sigaction actions[64];
};

/* Queue a signal for a process (any of its threads) or one task. 0, or -EAGAIN (queue limit). */
int signal_send_process(struct process *process, const struct siginfo *info);
int signal_send_task(struct task *task, const struct siginfo *info);
/* A fault of the current task: cannot be blocked or ignored (ends the process then). */
void signal_fault(struct regs *regs, int signo, int code, uint64_t addr);
/* To every process of a group (tty: ^C). Any context. */
int signal_send_group(int pgid, const struct siginfo *info);
void signal_simple(struct siginfo *info, int signo); /* SI_KERNEL */
/* Take the next pending signal within set (sigtimedwait, signalfd); its number or 0. */
int signal_take(struct task *task, uint64_t set, struct siginfo *info);
uint64_t signal_pending_set(struct task *task); /* thread's and process's */
/* Set the mask (SIGKILL and SIGSTOP dropped) and look at what became deliverable. */
void signal_set_mask(struct task *task, uint64_t mask);
const char *signal_name(int signo); /* "SIGSEGV" */
